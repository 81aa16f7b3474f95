"""The cast of the admin's tests: each role's staff of `shelf`, an operator, and a full rival shop.

Whatever of the rival's can be read carries `MARK`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import StockMovement
from orders.models import Order, Payment
from shelfwise.admin.access import CHOSEN_TENANT
from shelfwise.ids import uuid7
from shelfwise.tenancy.actions import create_operator
from shelfwise.tenancy.models import RevokedToken, Role, Session, Tenant, User
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import (
    PASSWORD,
    CastTestCase,
    make_author,
    make_book,
    make_category,
    make_order,
    make_publisher,
    make_stock,
    make_user,
    put_in_category,
)
from tests.orders.webhooks.asking import make_delivery, make_endpoint
from tests.shelfwise.auth.keys import make_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

MARK = "Zyxwv"


@dataclass(frozen=True)
class Shop:
    """A row of each model that a tenant has."""

    rows: dict[str, Model]

    def __getitem__(self, name: str) -> Any:
        return self.rows[name]

    def key_of(self, name: str) -> str:
        return str(self.rows[name].pk)


def fill(tenant: Tenant, owner: User, text: str = "") -> Shop:
    """What a shop has, with `text` in whatever can be read; and its owner's change of each."""
    author = make_author(tenant=tenant, name=f"Jane Austen {text}".strip())
    publisher = make_publisher(tenant=tenant, name=f"Penguin {text}".strip())
    category = make_category(tenant=tenant, code=f"FBA{text}", name=f"Classics {text}".strip())
    book = make_book(
        tenant=tenant,
        title=f"Emma {text}".strip(),
        author=author,
        publisher=publisher,
        description=f"A comedy {text}".strip(),
        price="8.99",
    )
    put_in_category(book, category)
    stock = make_stock(book=book, on_hand=7)
    with tenant_scope(tenant.id):
        movement = StockMovement.objects.get(book=book)
    order = make_order(
        (book, 1),
        customer_name=f"Edith Bratt {text}".strip(),
        customer_email=f"edith{text}@example.com",
        shipping_address={"city": f"Oxford {text}".strip()},
        note=f"A present {text}".strip(),
    )
    session = Session.objects.create(
        user=owner, refresh_id=uuid7(), expires_at=timezone.now() + timedelta(days=1)
    )
    key = make_key(tenant=tenant, name=f"Warehouse {text}".strip()).key
    endpoint, _ = make_endpoint(tenant, name=f"Hooks {text}".strip(), events=("stock.low",))
    delivery = make_delivery(endpoint, tries=1)
    rows = [tenant, owner, author, publisher, category, book, stock, movement, order, session, key]
    rows += [endpoint, delivery, make_payment(order, text)]
    for row in rows:
        log_change(owner, row, text)
    return Shop({row._meta.model_name: row for row in rows if row._meta.model_name})


def make_payment(order: Order, text: str) -> Payment:
    """One that the provider did not take."""
    with tenant_scope(order.tenant_id):
        return Payment.objects.create(
            tenant_id=order.tenant_id,
            order=order,
            state="declined",
            amount=order.total,
            currency=order.currency,
            charge_id=f"ch {text}",
            reason=f"By phone {text}",
            problem=f"The card was declined {text}",
        )


def log_change(user: User, row: Model, text: str) -> None:
    """An entry of the admin's log, as a change by this person writes it."""
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=f"Row {text}",
        action_flag=CHANGE,
        change_message=f"Changed {text}",
    )


class StaffTestCase(CastTestCase):
    editor: ClassVar[User]
    clerk: ClassVar[User]
    operator: ClassVar[User]
    shop: ClassVar[Shop]
    theirs: ClassVar[Shop]
    revoked: ClassVar[RevokedToken]
    platform: ClassVar[Shop]
    """A row of each model that is no tenant's."""

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.rival.name = f"Rival {MARK}"
        cls.rival.save()
        cls.theirs = fill(cls.rival, cls.stranger, MARK)
        cls.editor = make_user(tenant=cls.shelf, role=Role.EDITOR)
        cls.clerk = make_user(tenant=cls.shelf, role=Role.CLERK)
        User.objects.update(is_staff=True)
        cls.operator = create_operator(username="operator", password=PASSWORD)
        cls.shop = fill(cls.shelf, cls.owner)
        cls.revoked = RevokedToken.objects.create(
            id=uuid7(), expires_at=timezone.now() + timedelta(days=1)
        )
        job = ProcrastinateJob.objects.order_by("id")[0]
        cls.platform = Shop({"revokedtoken": cls.revoked, "procrastinatejob": job})
        for row in cls.platform.rows.values():
            log_change(cls.operator, row, "")

    def setUp(self) -> None:
        super().setUp()
        ContentType.objects.get_for_models(*apps.get_models())  # each process looks them up once

    def enter(self, user: User, tenant: Tenant | None = None) -> None:
        """Logs in; an operator chooses the tenant."""
        self.client.logout()
        self.client.force_login(User.objects.get(id=user.id))
        if tenant is not None:
            session = self.client.session
            session[CHOSEN_TENANT] = str(tenant.id)
            session.save()

    def send(self, path: str, **fields: Any) -> ClientResponse:
        """POST of a form."""
        return self.client.post(path, fields)

    def form_of(self, path: str, **changes: Any) -> dict[str, Any]:
        """What the page's form holds, as a browser would send it back, with these changes."""
        page = self.client.get(path)
        form, html = page.context["adminform"].form, page.content.decode()
        shown = [name for name in form.fields if f'name="{name}"' in html]
        values = {name: form[name].value() for name in shown}
        sent = {**values, **changes}
        return {name: value for name, value in sent.items() if value is not None}

    def rows_of(self, response: ClientResponse) -> list[Any]:
        """What a list shows."""
        return list(response.context["cl"].result_list)

    def errors_of(self, response: ClientResponse) -> dict[str, list[str]]:
        """What a form says is wrong, by field."""
        self.assertEqual(response.status_code, 200)
        found: dict[str, list[str]] = response.context["adminform"].form.errors
        return found


def path_of(model: str, page: str = "", key: UUID | str | int | None = None) -> str:
    """`path_of("catalog/book", "change", book.id)`."""
    middle = f"{key}/" if key is not None else ""
    return f"/admin/{model}/{middle}{page + '/' if page else ''}"
