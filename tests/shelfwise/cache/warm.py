"""The cache switched on, and two shops that hold the same by other names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, ClassVar
from unittest import mock

from django.conf import settings
from django.test import override_settings
from redis.connection import AbstractConnection

from catalog.models import Author, Book, Category, Publisher
from shelfwise.cache import deadlines, store
from shelfwise.cache.breaker import Breaker
from shelfwise.cache.generations import renew
from shelfwise.cache.keys import Shown
from tests.cast import (
    HOBBIT_ISBN,
    CatalogTestCase,
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_stock,
    put_in_category,
)

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

BOOKS = "/api/v2/books"
OWN_MARK, RIVAL_MARK = "a mark of the shelf", "a mark of the rival"
_PATIENCE_SECONDS = 5
_OF_EACH_REQUEST = ("X-Request-ID", "X-Cache")


@contextmanager
def cache_on() -> Iterator[None]:
    """Answers are kept as in the service, by a server that may be slow: tests share the machine."""
    default = settings.CACHES["default"]
    patience = f"socket_timeout={_PATIENCE_SECONDS}&socket_connect_timeout={_PATIENCE_SECONDS}"
    url = f"{default['LOCATION']}{'&' if '?' in default['LOCATION'] else '?'}{patience}"
    with ExitStack() as stack:
        stack.enter_context(
            override_settings(
                CACHED_ANSWER_SECONDS=60, CACHES={"default": {**default, "LOCATION": url}}
            )
        )
        stack.enter_context(mock.patch.object(store, "breaker", Breaker()))
        stack.enter_context(mock.patch.object(store, "SLOW_SECONDS", _PATIENCE_SECONDS))
        stack.enter_context(
            mock.patch.object(deadlines, "LONGEST_ANSWER_SECONDS", _PATIENCE_SECONDS)
        )
        yield


@contextmanager
def round_trips() -> Iterator[list[bytes]]:
    """What is sent to the cache's server inside the block, an item a round trip."""
    sent: list[bytes] = []
    send = AbstractConnection.send_packed_command

    def noted(connection: AbstractConnection, command: list[bytes], **options: bool) -> None:
        sent.append(b"".join(command))
        send(connection, command, **options)  # type: ignore[no-untyped-call]

    with mock.patch.object(AbstractConnection, "send_packed_command", noted):
        yield sent


def kept_headers(response: ClientResponse) -> dict[str, str]:
    """The headers without what is each request's own."""
    return {name: text for name, text in response.headers.items() if name not in _OF_EACH_REQUEST}


class WarmTestCase(CatalogTestCase):
    """The cast with a cold cache, and on the shelf what the rival has too, each with its mark."""

    author: ClassVar[Author]
    publisher: ClassVar[Publisher]
    category: ClassVar[Category]
    book: ClassVar[Book]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.author = make_author(tenant=cls.shelf, name=f"Tolkien, {OWN_MARK}")
        cls.publisher = make_publisher(tenant=cls.shelf, name=f"Harper, {OWN_MARK}")
        cls.category = make_category(tenant=cls.shelf, name=OWN_MARK)
        cls.book = make_book(
            tenant=cls.shelf,
            title=f"The Hobbit, {OWN_MARK}",
            isbn=HOBBIT_ISBN,
            author=cls.author,
            publisher=cls.publisher,
            description="There and back again. " * 40,  # worth zipping
        )
        put_in_category(cls.book, cls.category)
        make_stock(book=cls.book, on_hand=3)
        make_book(tenant=cls.rival, title=f"The Hobbit, {RIVAL_MARK}")
        make_author(tenant=cls.rival, name=f"Tolkien, {RIVAL_MARK}")
        make_publisher(tenant=cls.rival, name=RIVAL_MARK)
        make_category(tenant=cls.rival, code="X", name=RIVAL_MARK)

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(cache_on())
        for tenant in (self.shelf, self.rival):
            for shown in Shown:
                renew(tenant.id, shown)

    def found(self, path: str = BOOKS, **headers: str) -> str:
        """What the viewer is told of where the answer came from; `none` where nothing is said."""
        return self.get(path, as_=self.viewer, **headers).get("X-Cache", "none")

    def warm(self, path: str = BOOKS, **headers: str) -> ClientResponse:
        """What the viewer is answered, now also kept."""
        response = self.get(path, as_=self.viewer, **headers)
        self.assertEqual((response.status_code, response["X-Cache"]), (200, "miss"))
        return response
