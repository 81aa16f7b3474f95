"""What each index is there for: a request, or a step of one.

Needs Django set up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.test import RequestFactory

from catalog import listings
from catalog.models import Author, Book, Category, Publisher, Stock, StockMovement
from catalog.search.finding import books_of_words
from catalog.search.mending import meanings_of
from catalog.search.suggesting import suggestions
from orders.dashboard import dashboard
from orders.listings import ORDERS
from orders.models import Label, OrderEvent, Payment, PaymentEvent
from orders.payments.waking import wake_late as wake_late_payments
from orders.shipping.attending import wake_late
from shelfwise.api.listing import Listing
from shelfwise.api.paging import answer
from shelfwise.ids import uuid7

DEEP = 25_000
LONG_AGO = timedelta(days=300)


@dataclass(frozen=True, slots=True)
class Served:
    """An index, and a request that it is there for; `query` is the one that it serves, from 0.

    `sells`: it takes a history of orders to show.
    """

    index: str
    request: str
    ask: Callable[[], object]
    query: int = 0
    sells: bool = False


def served_by_indexes() -> list[Served]:
    """Every index that answers a query of the API or of imports. In the scope of a large tenant."""
    requests = RequestFactory(headers={"host": "localhost"})

    def page(listing: Listing, query: str, **path: Any) -> Callable[[], object]:
        return lambda: answer(listing, requests.get(f"/?{query}"), **path)

    def books(index: str, query: str) -> Served:
        return Served(
            index, f"`GET /books?{query}`".replace("?`", "`"), page(listings.BOOKS, query)
        )

    deep = Book.objects.for_listing().order_by("sort_title", "id")[DEEP]
    of_author, of_publisher = {"author": deep.author_id}, {"publisher": deep.publisher_id}
    category = (
        Category.objects.annotate(shelf=Count("books")).filter(shelf__gt=0).order_by("shelf")[0]
    )
    since = f"{Book.objects.order_by('-updated_at')[1000].updated_at:%Y-%m-%dT%H:%M:%SZ}"
    stocked = f"{Stock.objects.order_by('-updated_at')[1000].updated_at:%Y-%m-%dT%H:%M:%SZ}"
    return [
        books("book_list", ""),
        books("book_list", "page=500"),
        books("book_list", "fields=id,isbn,price"),
        books("book_price_up", "ordering=price"),
        books("book_price_down", "ordering=-price"),
        books("book_published_up", "ordering=published_on"),
        books("book_published_down", "ordering=-published_on"),
        books("book_sync", f"updated_since={since}&deleted=true"),
        Served(
            "stock_sync",
            "`GET /stock?updated_since=…`",
            page(listings.STOCK, f"updated_since={stocked}&deleted=true"),
        ),
        Served(
            "stockmovement_of_book",
            "what adds up to a book's `on_hand`",
            lambda: StockMovement.objects.filter(book=deep).aggregate(Sum("delta")),
        ),
        Served(
            "book_by_author", "`GET /authors/{id}/books`", page(listings.BOOKS, "", **of_author)
        ),
        Served(
            "book_by_publisher",
            "`GET /publishers/{id}/books`",
            page(listings.BOOKS, "", **of_publisher),
        ),
        Served(
            "bookcategory_by_category",
            "`GET /books?category=…` (fewest books)",
            page(listings.BOOKS, f"category={category.id}"),
        ),
        Served(
            "book_isbn",
            "`GET /books/by-isbn/{isbn}`",
            lambda: Book.objects.for_detail().get(isbn=deep.isbn),
        ),
        Served(
            "book_reference",
            "the book that an import's row means",
            lambda: Book.objects.living().filter(reference="none").exists(),
        ),
        Served("author_list", "`GET /authors`", page(listings.AUTHORS, "")),
        Served("publisher_list", "`GET /publishers`", page(listings.PUBLISHERS, "")),
        Served("category_list", "`GET /categories`", page(listings.CATEGORIES, "")),
        Served(
            "author_name",
            "the author that a row names",
            lambda: Author.objects.living().filter(name="nobody").exists(),
        ),
        Served(
            "publisher_name",
            "the publisher that a row names",
            lambda: Publisher.objects.living().filter(name="nobody").exists(),
        ),
        Served(
            "searchdocument_words", "`GET /books/search?q=love`", lambda: books_of_words("love", {})
        ),
        Served(
            "searchword_known", "is a misspelt word known", lambda: meanings_of(["shakespaere"])
        ),
        Served(
            "searchword_alike",
            "what it may have meant",
            lambda: meanings_of(["shakespaere"]),
            query=1,
        ),
        Served("author_names", "`GET /books/suggest?q=shak`", lambda: suggestions("shak")),
        *_served_of_orders(page),
    ]


def _served_of_orders(page: Callable[[Listing, str], Callable[[], object]]) -> list[Served]:
    def orders(index: str, query: str) -> Served:
        request = f"`GET /orders?{query}`".replace("?`", "`")
        return Served(index, request, page(ORDERS, query), sells=True)

    def shown(index: str, part: str, query: int) -> Served:
        return Served(index, f"`GET /dashboard`: {part}", dashboard, query=query, sells=True)

    then = f"{datetime.now(UTC) - LONG_AGO:%Y-%m-%dT00:00:00Z}"
    return [
        orders("order_list", ""),
        orders("order_active", "active=true"),
        orders("order_active", f"active=true&created_to={then}"),
        orders("order_by_status", "status=cancelled"),
        shown("order_list", "the sums", 0),
        shown("order_list", "most sold in 30 days", 3),
        shown("stock_low", "what is low", 4),
        Served(
            "orderevent_of_order",
            "the history of an order",
            lambda: list(OrderEvent.objects.filter(order=uuid7()).order_by("id")),
            sells=True,
        ),
        Served(
            "label_of_order",
            "the labels of an order",
            lambda: list(Label.objects.filter(order=uuid7()).order_by("id")),
            sells=True,
        ),
        Served("label_due", "the labels that are due", wake_late, sells=True),
        Served(
            "payment_of_order",
            "the payments of an order",
            lambda: list(Payment.objects.filter(order=uuid7()).order_by("id")),
            sells=True,
        ),
        Served(
            "paymentevent_of_payment",
            "the history of a payment",
            lambda: list(PaymentEvent.objects.filter(payment=uuid7()).order_by("id")),
            sells=True,
        ),
        Served("payment_due", "the payments that are due", wake_late_payments, sells=True),
        Served(
            "payment_due",
            "how many of the tenant's payments are due",
            Payment.objects.waiting,
            sells=True,
        ),
    ]
