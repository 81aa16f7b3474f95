"""Shops with something to leak: in each, whatever a stranger could name, guess or find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalog.models import Book
from catalog.stock import StockChange, change_stock
from orders.actions import TransitionFacts, Wanted, move_orders, place_order
from orders.models import Attempt, Endpoint, Label, Order, Payment
from orders.payments.states import PaymentState, ShownState
from orders.shipping.states import LabelState
from orders.webhooks.endpoints import change_endpoint
from shelfwise.auth.keyring import issue_key, revoke_key
from shelfwise.auth.tokens import issue_access_token
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import ApiKey, Role, Tenant
from shelfwise.tenancy.scope import current_tenant, tenant_scope
from tests.cast import (
    make_author,
    make_book,
    make_category,
    make_publisher,
    make_tenant,
    make_user,
    mark_deleted,
    put_in_category,
)
from tests.orders.webhooks.asking import make_delivery, make_endpoint

_THINGS = (
    *("book", "other_book", "gone", "author", "other_author"),
    *("publisher", "other_publisher", "category", "other_category"),
    *("low", "order", "paid_order", "shipped_order", "cancelled_order"),
    *("api_key", "ended_api_key"),
    *("endpoint", "other_endpoint", "delivery"),
)


@dataclass(frozen=True)
class Shop:
    """By what things of a shop are named. Each text is the shop's alone.

    `book` and `other_book` are both by `author`, of `publisher` and in `category`, and have stock;
    no book has the other author, publisher or category, `gone` is a tombstone, and of `low` there
    are two copies. `isbn` and `reference` are those of `other_book`; `author_name`,
    `publisher_name` and `code` those of the other author, publisher and category. The orders, of
    which `order` is pending, are of one `book` each; one more was placed with `key`. Of the keys
    for machines one counts, one has ended. Of the webhook endpoints the first has deliveries, the
    other is switched off.
    """

    stem: str
    isbn: str
    book: str
    other_book: str
    gone: str
    author: str
    other_author: str
    publisher: str
    other_publisher: str
    category: str
    other_category: str
    low: str
    order: str
    paid_order: str
    shipped_order: str
    cancelled_order: str
    api_key: str
    ended_api_key: str
    endpoint: str
    other_endpoint: str
    delivery: str
    word: str
    """In one title only."""
    misspelt: str
    """The same with two letters swapped."""
    tags: dict[str, str] = field(default_factory=dict, compare=False)
    """The ETag of what each route shows of the shop."""
    cursors: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)
    """By route and ordering, to the second item."""

    @property
    def reference(self) -> str:
        return f"{self.stem}-other-reference"

    @property
    def author_name(self) -> str:
        return f"Other {self.stem}sky"

    @property
    def publisher_name(self) -> str:
        return f"Other {self.stem}verlag"

    @property
    def code(self) -> str:
        return f"{self.stem}-other-code"

    @property
    def key(self) -> str:
        return f"{self.stem}-kept-key"

    def with_others(self, instead: Mapping[str, str]) -> Shop:
        """The same with other things of the shop under these names: `{"book": "gone"}`."""
        return replace(self, **{name: getattr(self, other) for name, other in instead.items()})

    def names(self) -> dict[str, str]:
        """What each text that names something names."""
        derived = ("reference", "author_name", "publisher_name", "code", "key")
        names = [each.name for each in fields(self) if each.compare]
        return {getattr(self, name): name for name in (*names, *derived)}


@dataclass(frozen=True)
class Asker:
    """Somebody with a token; nobody has none. No role is: out altogether."""

    name: str
    shop: Shop
    token: str
    role: Role | None


def nothing() -> Shop:
    """What no shop has, in the form of what they have."""
    return _shop("fyzimoke", "9781402894626", {name: str(uuid7()) for name in _THINGS})


def open_shop(stem: str, isbn: str, *, serial: int) -> tuple[Tenant, Shop]:
    """A shop whose every text and figure of eight signs or more is nobody else's."""
    tenant = make_tenant(slug=f"{stem}-books", name=f"Bookshop {stem}")
    parties = _parties(tenant, stem)
    books = _books(tenant, stem, isbn, serial, parties)
    with tenant_scope(tenant.id):
        for number, (name, book) in enumerate(books.items(), start=1):
            put_in_category(book, parties["category"])
            change_stock(
                book_id=book.id,
                change=StockChange(
                    2 if name == "low" else serial * 10**8 + 7 * number, relative=False
                ),
                reason=f"Reason {stem} {number}",
                actor=f"Actor {stem} {number}",
            )
    mark_deleted(books["gone"])
    with tenant_scope(tenant.id):
        orders, keys = _orders(stem, books["book"]), _keys(stem)
    made = {**parties, **books, **orders, **keys, **_webhooks(tenant, stem)}
    ids = {name: str(each.id) for name, each in made.items()}
    return tenant, _shop(stem, isbn, ids)


def _shop(stem: str, isbn: str, ids: Mapping[str, str]) -> Shop:
    word = f"{stem}tide"
    misspelt = f"{word[:5]}{word[6]}{word[5]}{word[7:]}"
    things = {name: ids[name] for name in _THINGS}
    return Shop(**things, stem=stem, isbn=isbn, word=word, misspelt=misspelt, tags={}, cursors={})


def _parties(tenant: Tenant, stem: str) -> dict[str, Any]:
    """Two authors, publishers and categories."""
    made: dict[str, Any] = {}
    for prefix, place in (("", "First"), ("other_", "Other")):
        made[f"{prefix}author"] = make_author(tenant=tenant, name=f"{place} {stem}sky")
        made[f"{prefix}publisher"] = make_publisher(tenant=tenant, name=f"{place} {stem}verlag")
        made[f"{prefix}category"] = make_category(
            tenant=tenant,
            scheme="local",
            code=f"{stem}-{place.lower()}-code",
            name=f"Subject {stem} {place}",
        )
    return made


def _books(
    tenant: Tenant, stem: str, isbn: str, serial: int, parties: Mapping[str, Any]
) -> dict[str, Book]:
    """Four books of the first author and publisher, in no category yet, without stock."""
    kinds = {"book": f"{stem}tide", "other_book": "Second", "gone": "Gone", "low": "Low"}
    return {
        name: make_book(
            tenant=tenant,
            title=f"Chronicle {stem} {more}",
            reference=f"{stem}-{name.removesuffix('_book')}-reference",
            isbn=isbn if name == "other_book" else None,
            author=parties["author"],
            publisher=parties["publisher"],
            subtitle=f"Subtitle {stem} {name}",
            description=f"Description {stem} {name}",
            price=f"{serial}{number}31{number}.9{number}",
            page_count=serial * 10**8 + number,
            published_on=f"19{serial}{number}-0{number}-1{serial}",
            language="eng",
            format="paperback",
        )
        for number, (name, more) in enumerate(kinds.items(), start=1)
    }


def _orders(stem: str, book: Book) -> dict[str, Order]:
    """Of one copy each, in all states that lead on."""
    placed = {
        name: place_order(
            lines=[Wanted(book.id, 1)],
            actor=f"Actor {stem} {name}",
            customer_name=f"Customer {stem} {name}",
            customer_email=f"{stem}-{name}@example.com",
            shipping_address={"line1": f"Street {stem} {name}"},
            note=f"Note {stem} {name}",
        )
        for name in ("order", "paid_order", "shipped_order", "cancelled_order")
    }
    paid = TransitionFacts(payment_reference=f"Payment {stem}")
    sent = TransitionFacts(carrier=f"Carrier {stem}", tracking_number=f"Number {stem}")
    for name, transition, facts in (
        ("paid_order", "pay", paid),
        ("shipped_order", "pay", paid),
        ("shipped_order", "ship", sent),
        ("cancelled_order", "cancel", TransitionFacts()),
    ):
        (placed[name],) = move_orders(
            ids=[placed[name].id],
            transition=transition,
            actor=f"Actor {stem} {transition}",
            reason=f"Reason {stem} {transition}",
            **facts,
        )
    _declined(stem, placed["order"])
    Label.objects.create(
        tenant_id=current_tenant(),
        order=placed["shipped_order"],
        service=f"Service {stem}",
        actor=f"Actor {stem} label",
        state=LabelState.VOID,
        carrier=f"Carrier {stem} label",
        tracking_number=f"Number {stem} label",
        label_url=f"https://{stem}.example/label",
    )
    return placed


def _declined(stem: str, order: Order) -> None:
    """A payment that the provider did not take, and the order shows."""
    Payment.objects.create(
        tenant_id=current_tenant(),
        order=order,
        state=PaymentState.DECLINED,
        amount=order.total,
        currency=order.currency,
        charge_id=f"Charge {stem}",
        reason=f"Reason {stem} payment",
        problem=f"Problem {stem}",
    )
    shown = {"payment_state": ShownState.DECLINED, "payment_problem": f"Problem {stem}"}
    Order.objects.filter(id=order.id).update(**shown)


def _keys(stem: str) -> dict[str, ApiKey]:
    """Of a machine each."""
    keys = {
        name: issue_key(name=f"Key {stem} {name}", role=Role.CLERK, made_by=f"Maker {stem}").key
        for name in ("api_key", "ended_api_key")
    }
    revoke_key(key=keys["ended_api_key"], revoked_by=f"Maker {stem}")
    return keys


def _webhooks(tenant: Tenant, stem: str) -> dict[str, Any]:
    """Of the deliveries one was tried, one was not."""
    made: dict[str, Any] = {}
    for name in ("endpoint", "other_endpoint"):
        made[name], _ = make_endpoint(tenant, name=f"Hooks {stem} {name}", events=("stock.low",))
    made["delivery"] = make_delivery(made["endpoint"], tries=1)
    make_delivery(made["endpoint"])
    with tenant_scope(tenant.id):
        Attempt.objects.update(problem=f"Problem {stem} attempt")
        Endpoint.objects.update(
            failing_since=timezone.now(), last_problem=f"Problem {stem} endpoint"
        )
        change_endpoint(endpoint_id=made["other_endpoint"].id, is_on=False)
    return made


def people_of(tenant: Tenant, shop: Shop) -> list[Asker]:
    """One of each role."""
    people = {role: make_user(tenant=tenant, role=role) for role in Role}
    return [
        Asker(
            f"{role.value} of {shop.stem}",
            shop,
            issue_access_token(tenant=tenant, role=role, subject=str(user.id)),
            role,
        )
        for role, user in people.items()
    ]


def suspended(tenant: Tenant, shop: Shop) -> Asker:
    """The owner of a shop that is suspended after the token was issued."""
    owner = people_of(tenant, shop)[-1]
    tenant.suspended_at = timezone.now() - timedelta(minutes=5)
    tenant.save(update_fields=["suspended_at"])
    return Asker(f"suspended {owner.name}", shop, owner.token, None)


def nobody(shop: Shop) -> Asker:
    """Without a token, but curious about this shop."""
    return Asker(f"nobody, of {shop.stem}", shop, "", None)
