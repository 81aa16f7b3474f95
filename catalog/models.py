"""The catalogue's tables.

Every row belongs to a tenant. Deleted rows stay as tombstones (`deleted_at`), so that clients that
keep a copy learn of the deletion and orders keep what they sold. What is unknown is NULL, never "".

Each index names the query it serves; docs/indexes.md holds what EXPLAIN showed.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from catalog.querysets import BookQuerySet, CategoryQuerySet, PartyQuerySet
from catalog.sorting import SORT_KEY_LENGTH, sort_key
from shelfwise.db import TenantForeignKey
from shelfwise.ids import uuid7
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import TenantDetail, TenantOwned

PartyManager = TenantManager.from_queryset(PartyQuerySet)
CategoryManager = TenantManager.from_queryset(CategoryQuerySet)
BookManager = TenantManager.from_queryset(BookQuerySet)

LIVING = Q(deleted_at__isnull=True)

# What stands in for an absent price or date, so that such rows come last in both directions and a
# cursor is one comparison of rows: above every price and date going up, below every one going down.
PRICE_ABSENT_LAST_UP = Decimal(10**10)
PRICE_ABSENT_LAST_DOWN = Decimal(-1)
DATE_ABSENT_LAST_UP = "~"
DATE_ABSENT_LAST_DOWN = ""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


PENDING_KIB = 256
"""New entries of a GIN index wait in a list that every search reads through. With the default of
4,096 a search of a misspelt name took 77 ms after 10,000 new books, with this one 10."""


def version_at(moment: datetime) -> str:
    """The version of a record that was last changed then."""
    return format((moment - _EPOCH) // _MICROSECOND, "x")


class CatalogRecord(TenantOwned):
    """What authors, publishers, categories and books have in common."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        abstract = True

    @property
    def version(self) -> str:
        """What a writer has read: another one after each change of the row itself."""
        return version_at(self.updated_at)


class Party(CatalogRecord):
    """A name that books refer to: an author or a publisher."""

    name = models.CharField(max_length=300)
    sort_name = models.CharField(max_length=SORT_KEY_LENGTH, db_collation="C", editable=False)

    objects: ClassVar["PartyManager[Self]"] = PartyManager()

    class Meta(CatalogRecord.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        self.sort_name = sort_key(self.name)
        super().clean_fields(exclude=exclude)


def _party_constraints(kind: str) -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(fields=["tenant", "id"], name=f"{kind}_tenant_id"),
        # A name is found or made: by whoever writes a book, and by imports.
        models.UniqueConstraint(fields=["tenant", "name"], condition=LIVING, name=f"{kind}_name"),
    ]


class Author(Party):
    class Meta(Party.Meta):
        constraints = _party_constraints("author")
        indexes = [
            # GET /authors: by name, keyset (sort_name, id).
            models.Index(
                fields=["tenant", "sort_name", "id"], condition=LIVING, name="author_list"
            ),
            # GET /books/suggest: authors one of whose names begins so.
            GinIndex(
                F("tenant"),
                SearchVector("sort_name", config="simple"),
                condition=LIVING,
                gin_pending_list_limit=PENDING_KIB,
                name="author_names",
            ),
        ]


class Publisher(Party):
    class Meta(Party.Meta):
        constraints = _party_constraints("publisher")
        indexes = [
            # GET /publishers: by name, keyset (sort_name, id).
            models.Index(
                fields=["tenant", "sort_name", "id"], condition=LIVING, name="publisher_list"
            )
        ]


class CategoryScheme(models.TextChoices):
    """Where a category's code comes from."""

    THEMA = "thema"
    BISAC = "bisac"
    LOCAL = "local"


class Category(CatalogRecord):
    """A subject: a code of a scheme, and the heading that people read."""

    scheme = models.CharField(max_length=5, choices=CategoryScheme)
    code = models.CharField(max_length=50, db_collation="C")
    name = models.CharField(max_length=300)

    objects: ClassVar["CategoryManager[Self]"] = CategoryManager()

    class Meta(CatalogRecord.Meta):
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="category_tenant_id"),
            models.UniqueConstraint(
                fields=["tenant", "scheme", "code"], condition=LIVING, name="category_code"
            ),
            models.CheckConstraint(
                condition=Q(scheme__in=CategoryScheme.values), name="category_scheme_known"
            ),
        ]
        indexes = [
            # GET /categories: by code, keyset (code, id).
            models.Index(fields=["tenant", "code", "id"], condition=LIVING, name="category_list")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class BookFormat(models.TextChoices):
    """In what form a book is sold."""

    HARDBACK = "hardback"
    PAPERBACK = "paperback"
    EBOOK = "ebook"
    AUDIOBOOK = "audiobook"
    OTHER = "other"


class Book(CatalogRecord):
    """An edition that a tenant lists. Without a price it is shown and not for sale."""

    title = models.CharField(max_length=500)
    sort_title = models.CharField(max_length=SORT_KEY_LENGTH, db_collation="C", editable=False)
    subtitle = models.CharField(max_length=500, null=True, blank=True)
    isbn = models.CharField(max_length=13, db_collation="C", null=True, blank=True)
    reference = models.CharField(max_length=100, db_collation="C", null=True, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    author = models.ForeignKey(
        Author,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="books",
        db_constraint=False,
        db_index=False,
    )
    publisher = models.ForeignKey(
        Publisher,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="books",
        db_constraint=False,
        db_index=False,
    )
    # As precise as it is known: 2008, 2008-09 or 2008-09-14.
    published_on = models.CharField(max_length=10, db_collation="C", null=True, blank=True)
    language = models.CharField(max_length=3, db_collation="C", null=True, blank=True)
    format = models.CharField(
        max_length=9, db_collation="C", choices=BookFormat, null=True, blank=True
    )
    description = models.TextField(null=True, blank=True)
    page_count = models.PositiveIntegerField(null=True, blank=True)
    categories = models.ManyToManyField(Category, through="BookCategory", related_name="books")

    objects: ClassVar["BookManager[Self]"] = BookManager()

    class Meta(CatalogRecord.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="book_tenant_id"),
            # GET /books/by-isbn/{isbn}, and imports find the book that a row means.
            models.UniqueConstraint(fields=["tenant", "isbn"], condition=LIVING, name="book_isbn"),
            models.UniqueConstraint(
                fields=["tenant", "reference"], condition=LIVING, name="book_reference"
            ),
            TenantForeignKey(field="author", name="book_author_of_tenant"),
            TenantForeignKey(field="publisher", name="book_publisher_of_tenant"),
            models.CheckConstraint(
                condition=Q(isbn__isnull=False) | Q(reference__isnull=False),
                name="book_isbn_or_reference",
                violation_error_message="A book needs an ISBN or a reference.",
            ),
            models.CheckConstraint(
                condition=Q(isbn__regex=r"^97[89][0-9]{10}$"), name="book_isbn_13_digits"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="book_price_not_negative"),
            models.CheckConstraint(
                condition=Q(
                    published_on__regex=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
                ),
                name="book_published_on_form",
            ),
            models.CheckConstraint(
                condition=Q(language__regex=r"^[a-z]{3}$"), name="book_language_three_letters"
            ),
            models.CheckConstraint(
                condition=Q(format__in=BookFormat.values), name="book_format_known"
            ),
        ]
        indexes = [
            # GET /books (ordering title): keyset (sort_title, id); what it INCLUDEs answers
            # `fields=id,isbn,price` without a visit to the table. No wider: the rows that a deep
            # `page` skips are read from it too.
            models.Index(
                fields=["tenant", "sort_title", "id"],
                include=["isbn", "price"],
                condition=LIVING,
                name="book_list",
            ),
            # ?ordering=price and -price: absent prices last in both directions.
            models.Index(
                F("tenant"),
                Coalesce("price", PRICE_ABSENT_LAST_UP),
                F("id"),
                condition=LIVING,
                name="book_price_up",
            ),
            models.Index(
                F("tenant"),
                Coalesce("price", PRICE_ABSENT_LAST_DOWN),
                F("id"),
                condition=LIVING,
                name="book_price_down",
            ),
            # ?ordering=published_on and -published_on.
            models.Index(
                F("tenant"),
                Coalesce("published_on", models.Value(DATE_ABSENT_LAST_UP)),
                F("id"),
                condition=LIVING,
                name="book_published_up",
            ),
            models.Index(
                F("tenant"),
                Coalesce("published_on", models.Value(DATE_ABSENT_LAST_DOWN)),
                F("id"),
                condition=LIVING,
                name="book_published_down",
            ),
            # ?updated_since=…&deleted=true, ?ordering=updated_at: tombstones are rows of it.
            models.Index(fields=["tenant", "updated_at", "id"], name="book_sync"),
            # ?author=… and GET /authors/{id}/books, in title order.
            models.Index(
                fields=["tenant", "author", "sort_title", "id"],
                condition=LIVING,
                name="book_by_author",
            ),
            # ?publisher=… and GET /publishers/{id}/books, in title order.
            models.Index(
                fields=["tenant", "publisher", "sort_title", "id"],
                condition=LIVING,
                name="book_by_publisher",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        self.sort_title = sort_key(self.title, self.language)
        super().clean_fields(exclude=exclude)


class BookCategory(TenantDetail):
    """That a book is about a subject. Nothing refers to the row, so its two keys are its key."""

    pk = models.CompositePrimaryKey("book_id", "category_id")
    book = models.ForeignKey(Book, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )

    class Meta(TenantDetail.Meta):
        constraints = [
            TenantForeignKey(field="book", name="bookcategory_book_of_tenant"),
            TenantForeignKey(field="category", name="bookcategory_category_of_tenant"),
        ]
        indexes = [
            # ?category=… and GET /categories/{id}/books: the way back from the subject.
            models.Index(fields=["tenant", "category", "book"], name="bookcategory_by_category")
        ]


LOW_STOCK = 5
"""So few copies that can still be sold are called low."""


class Stock(TenantDetail):
    """How many copies there are. A table of its own: it changes with each order, books do not."""

    book = models.OneToOneField(
        Book, on_delete=models.CASCADE, primary_key=True, db_constraint=False
    )
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantDetail.Meta):
        verbose_name_plural = "stock"
        constraints = [
            TenantForeignKey(field="book", name="stock_book_of_tenant"),
            models.CheckConstraint(
                condition=Q(on_hand__lte=1_000_000_000), name="stock_on_hand_bounded"
            ),
            models.CheckConstraint(
                condition=Q(reserved__lte=F("on_hand")), name="stock_reserved_on_hand"
            ),
        ]
        indexes = [
            # GET /stock?updated_since=…: what changed, keyset (updated_at, book).
            models.Index(fields=["tenant", "updated_at", "book"], name="stock_sync"),
            # GET /dashboard: what is nearly sold out, fewest first.
            models.Index(
                F("tenant"),
                F("on_hand") - F("reserved"),
                F("book"),
                condition=Q(on_hand__lte=F("reserved") + LOW_STOCK),
                name="stock_low",
            ),
        ]

    def __str__(self) -> str:
        """The book's title, where it is at hand: a log or a test's output is no reason to query."""
        is_loaded = Stock.book.is_cached(self)
        return str(self.book) if is_loaded else str(self.book_id)

    @property
    def version(self) -> str:
        """What a writer has read: another one after each change; 0 as long as there is no row."""
        return version_at(self.updated_at) if self.updated_at else "0"

    @property
    def available(self) -> int:
        """Copies that can still be sold."""
        return self.on_hand - self.reserved


class StockMovement(TenantDetail):
    """One change of a book's `on_hand`: by how much, why and by whom.

    The database writes it with each change of `catalog_stock`, whoever makes the change, and lets
    nobody write, change or delete one otherwise: a book's movements always add up to its `on_hand`.
    Reason, actor and cause (the id of the order that was shipped) are those of the transaction
    (`shelfwise.db.acting`).
    """

    id = models.BigAutoField(primary_key=True)
    book = models.ForeignKey(
        Book,
        on_delete=models.PROTECT,
        related_name="movements",
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    delta = models.IntegerField(editable=False)
    reason = models.CharField(max_length=200, editable=False)
    actor = models.CharField(max_length=200, editable=False)
    cause = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta(TenantDetail.Meta):
        constraints = [
            TenantForeignKey(field="book", name="stockmovement_book_of_tenant"),
            models.CheckConstraint(condition=~Q(delta=0), name="stockmovement_delta_not_zero"),
        ]
        indexes = [
            # A book's history, newest first; what adds up to its on_hand.
            models.Index(fields=["tenant", "book", "id"], name="stockmovement_of_book")
        ]

    def __str__(self) -> str:
        return f"{self.delta:+} {self.reason}"


class SearchDocument(TenantDetail):
    """What full text finds a living book by. Triggers keep it, whatever writes the book, its author
    or its publisher. A table of its own: a new price leaves it, and its index, alone.
    """

    book = models.OneToOneField(
        Book, on_delete=models.CASCADE, primary_key=True, editable=False, db_constraint=False
    )
    sort_title = models.CharField(max_length=SORT_KEY_LENGTH, db_collation="C", editable=False)
    vector = SearchVectorField(editable=False)

    class Meta(TenantDetail.Meta):
        constraints = [TenantForeignKey(field="book", name="searchdocument_book_of_tenant")]
        indexes = [
            # GET /books/search: the tenant's books that hold every word.
            GinIndex(
                fields=["vector"], gin_pending_list_limit=PENDING_KIB, name="searchdocument_words"
            )
        ]


class SearchWord(TenantOwned):
    """A word that some search document of the tenant holds or once held: what a misspelt word of a
    query may have meant. Two transactions that bring the same word at once both store it.
    """

    id = models.BigAutoField(primary_key=True)
    word = models.CharField(max_length=100, db_collation="C", editable=False)

    class Meta(TenantOwned.Meta):
        indexes = [
            # Whether a word is known, and the words that begin like it.
            models.Index(fields=["tenant", "word"], name="searchword_known"),
            # The words that look like it.
            GinIndex(
                F("tenant"),
                OpClass("word", name="gin_trgm_ops"),
                gin_pending_list_limit=PENDING_KIB,
                name="searchword_alike",
            ),
        ]

    def __str__(self) -> str:
        return self.word
