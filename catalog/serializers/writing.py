"""The rules for what is written: fields in, and `save(versions=…)` calls the action.

Strings lose the spaces around them. An empty string is refused: what is not known, or is taken
away, is null. PUT replaces, so that what it leaves out becomes null; PATCH changes what it names.
"""

from typing import Any, ClassVar, Final

from rest_framework import serializers

from catalog.actions import (
    AnyParty,
    change_book,
    change_category,
    change_party,
    create_book,
    create_category,
    create_party,
)
from catalog.models import Author, Book, Category, CategoryScheme, Publisher
from catalog.parameters import FORMAT, ISBN, LANGUAGE, PARTIAL_DATE
from shelfwise.api.parameters import one_of
from shelfwise.api.serializers import (
    AmountField,
    BoundedListField,
    ParsedField,
    StrictSerializer,
    StrictUUIDField,
    TextField,
    WholeNumberField,
)

MAX_CATEGORIES = 100
DESCRIPTION_LENGTH = 100_000
LARGEST_PAGE_COUNT = 2**31 - 1
"""What the column holds."""

_OPTIONAL: Final[dict[str, Any]] = {"allow_null": True, "default": None}


def _party_id() -> StrictUUIDField:
    return StrictUUIDField(allow_null=True, required=False)


def _party_name() -> TextField:
    return TextField(max_length=300, allow_null=True, required=False)


class BookWriter(StrictSerializer):
    """A book as it is written, with an ISBN or a reference of the client's own.

    Author and publisher are named by id or by name, not by both; a name that nobody has is made.
    Without a price the book is not for sale. What a PUT leaves out becomes null, or no categories.
    """

    title = TextField(max_length=500)
    subtitle = TextField(max_length=500, **_OPTIONAL)
    isbn = ParsedField(ISBN, number=True, **_OPTIONAL)
    reference = TextField(max_length=100, **_OPTIONAL)
    price = AmountField(max_digits=12, decimal_places=2, min_value=0, **_OPTIONAL)
    author_id = _party_id()
    author_name = _party_name()
    publisher_id = _party_id()
    publisher_name = _party_name()
    category_ids = BoundedListField(
        child=StrictUUIDField(), max_length=MAX_CATEGORIES, default=list
    )
    published_on = ParsedField(PARTIAL_DATE, number=True, **_OPTIONAL)
    language = ParsedField(LANGUAGE, **_OPTIONAL)
    format = ParsedField(FORMAT, **_OPTIONAL)
    description = TextField(max_length=DESCRIPTION_LENGTH, **_OPTIONAL)
    page_count = WholeNumberField(min_value=0, max_value=LARGEST_PAGE_COUNT, **_OPTIONAL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for kind in ("author", "publisher"):
            by_id, by_name = f"{kind}_id", f"{kind}_name"
            if by_id in attrs and by_name in attrs:
                detail = f"Give {by_id} or {by_name}, not both."
                raise serializers.ValidationError({by_name: [detail]}, code="contradictory")
            if not self.partial and by_name not in attrs:
                attrs.setdefault(by_id, None)
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Book:
        return create_book(**validated_data)

    def update(self, instance: Book, validated_data: dict[str, Any]) -> Book:
        return change_book(book=instance, **validated_data)


class AuthorWriter(StrictSerializer):
    """An author as it is written."""

    model: ClassVar[type[AnyParty]] = Author
    name = TextField(max_length=300)

    def create(self, validated_data: dict[str, Any]) -> AnyParty:
        return create_party(model=self.model, **validated_data)

    def update(self, instance: AnyParty, validated_data: dict[str, Any]) -> AnyParty:
        return change_party(party=instance, **validated_data)


class PublisherWriter(AuthorWriter):
    """A publisher as it is written."""

    model = Publisher


class CategoryWriter(StrictSerializer):
    """A category as it is written: a code of a scheme, and its heading."""

    scheme = ParsedField(one_of(CategoryScheme.values))
    code = TextField(max_length=50)
    name = TextField(max_length=300)

    def create(self, validated_data: dict[str, Any]) -> Category:
        return create_category(**validated_data)

    def update(self, instance: Category, validated_data: dict[str, Any]) -> Category:
        return change_category(category=instance, **validated_data)
