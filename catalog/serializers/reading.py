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
    class Meta:
        model = Author
        fields = ["id", "name", "updated_at"]


class PublisherSerializer(serializers.ModelSerializer[Publisher]):
    class Meta:
        model = Publisher
        fields = ["id", "name", "updated_at"]


class CategorySerializer(serializers.ModelSerializer[Category]):
    class Meta:
        model = Category
        fields = ["id", "scheme", "code", "name", "updated_at"]


class SubjectSerializer(serializers.ModelSerializer[Category]):
    """A category as a book shows it."""

    class Meta:
        model = Category
        fields = ["id", "scheme", "code", "name"]


class StockSerializer(serializers.Serializer[Any]):
    """Copies, of a stock row or of a book that was loaded with the figures of its own."""

    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()


class BookItemSerializer(serializers.ModelSerializer[Book]):
    """A book in a list, out of `Book.objects.for_listing()`."""

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


class BookSerializer(BookItemSerializer):
    """One book, out of `Book.objects.for_detail()`."""

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


class BatchSerializer(StrictSerializer):
    """Which books to get: up to 200 ids."""

    ids = BoundedListField(child=StrictUUIDField(), max_length=MAX_BATCH)


class BatchAnswerSerializer(serializers.Serializer[Any]):
    """The books, in the order asked; and the ids that are not there."""

    results = BookItemSerializer(many=True)
    missing = serializers.ListField(child=serializers.UUIDField())


class SuggestionSerializer(serializers.Serializer[Any]):
    """A title with its book's id, or a name with its author's."""

    kind = serializers.ChoiceField(["title", "author"])
    text = serializers.CharField()
    id = serializers.UUIDField()


class SuggestionsSerializer(serializers.Serializer[Any]):
    """Titles and authors."""

    results = SuggestionSerializer(many=True)
