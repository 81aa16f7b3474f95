"""What a look-up by ISBN takes, and the draft it answers."""

from typing import Any, Final

from rest_framework import serializers

from catalog.models import BookFormat
from catalog.parameters import ISBN
from shelfwise.api.serializers import ParsedField, StrictSerializer

_UNKNOWN: Final[dict[str, Any]] = {"allow_null": True}


class LookupSerializer(StrictSerializer):
    """The ISBN to look up."""

    isbn = ParsedField(ISBN, number=True)


class BookDraftSerializer(serializers.Serializer[Any]):
    """A book as `POST /books` takes it. What is not known, or not sound, is null."""

    title = serializers.CharField(max_length=500)
    subtitle = serializers.CharField(max_length=500, **_UNKNOWN)
    isbn = serializers.CharField()
    author_name = serializers.CharField(max_length=300, **_UNKNOWN)
    publisher_name = serializers.CharField(max_length=300, **_UNKNOWN)
    published_on = serializers.CharField(**_UNKNOWN)
    language = serializers.CharField(**_UNKNOWN)
    format = serializers.ChoiceField(BookFormat.values, **_UNKNOWN)
    description = serializers.CharField(**_UNKNOWN)
    page_count = serializers.IntegerField(min_value=0, **_UNKNOWN)
