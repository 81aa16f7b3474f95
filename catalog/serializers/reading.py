"""The shapes of the catalogue's answers, and the rules for its bodies."""

from typing import Any

from rest_framework import serializers

from catalog.models import Author, Book, Category, Publisher
from shelfwise.api.serializers import BoundedListField, StrictSerializer, StrictUUIDField

MAX_BATCH = 200


class ReferenceSerializer(serializers.Serializer[Any]):
    """An author or publisher as books name it."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class AuthorSerializer(serializers.ModelSerializer[Author]):
    """An author."""

    class Meta:
        model = Author
        fields = ["id", "name", "updated_at"]


class PublisherSerializer(serializers.ModelSerializer[Publisher]):
    """A publisher."""

    class Meta:
        model = Publisher
        fields = ["id", "name", "updated_at"]


class CategorySerializer(serializers.ModelSerializer[Category]):
    """A category: a code of a scheme, and its heading."""

    class Meta:
        model = Category
        fields = ["id", "scheme", "code", "name", "updated_at"]


class SubjectSerializer(serializers.ModelSerializer[Category]):
    """A category as a book shows it."""

    class Meta:
        model = Category
        fields = ["id", "scheme", "code", "name"]


class StockSerializer(serializers.Serializer[Any]):
    """Copies on hand, those of them that orders hold, and those that can be sold."""

    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()


# Out of `Book.objects.for_listing()`.
class BookItemSerializer(serializers.ModelSerializer[Book]):
    """A book as lists show it."""

    price = serializers.DecimalField(
        max_digits=12, decimal_places=2, coerce_to_string=False, allow_null=True
    )
    currency = serializers.CharField(source="tenant.currency")
    author = ReferenceSerializer(allow_null=True)
    publisher = ReferenceSerializer(allow_null=True)

    class Meta:
        model = Book
        fields = [
            "id",
            "title",
            "subtitle",
            "isbn",
            "price",
            "currency",
            "author",
            "publisher",
            "published_on",
            "language",
            "format",
            "updated_at",
        ]
        read_only_fields = fields


# Out of `Book.objects.for_detail()`, which has the stock's figures on the book.
class BookSerializer(BookItemSerializer):
    """A book with all that is known of it."""

    categories = SubjectSerializer(many=True)
    stock = StockSerializer(source="*")

    class Meta(BookItemSerializer.Meta):
        fields = [
            *BookItemSerializer.Meta.fields,
            "description",
            "page_count",
            "categories",
            "created_at",
            "stock",
        ]
        read_only_fields = fields


class BatchSerializer(StrictSerializer):
    """The ids of up to 200 books."""

    ids = BoundedListField(child=StrictUUIDField(), max_length=MAX_BATCH)


class BatchAnswerSerializer(serializers.Serializer[Any]):
    """The books in the order asked, each once, and the ids that no book has."""

    results = BookItemSerializer(many=True)
    missing = serializers.ListField(child=serializers.UUIDField())


class SuggestionSerializer(serializers.Serializer[Any]):
    """A title, with the id of one of its books, or an author's name, with the author's id."""

    kind = serializers.ChoiceField(["title", "author"])
    text = serializers.CharField()
    id = serializers.UUIDField()


class SuggestionsSerializer(serializers.Serializer[Any]):
    """Titles in their order, then authors; ten at most."""

    results = SuggestionSerializer(many=True)
