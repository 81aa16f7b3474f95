"""Every page of the admin: what each of the cast is answered there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PEOPLE: Final = ("viewer", "clerk", "editor", "owner", "chosen", "operator")
"""The staff of `shelf`; an operator who chose it; one who has chosen none."""

# What they are answered to a GET, one letter each in the order of PEOPLE. `y` yes, `n` no (403),
# `c` is asked to choose a tenant.
_YES, _NO, _ASKED = 200, 403, 302
_ANSWERS: Final = {"y": _YES, "n": _NO, "c": _ASKED}

ALL, EDITORS, CLERKS, OWNERS, NOBODY = "yyyyyc", "nnyyyc", "nyyyyc", "nnnyyc", "nnnnnc"
PLATFORM = {"all": "yyyyyy", "owners": "nnnyyy", "operators": "nnnnyy", "nobody": "nnnnnn"}
"""Of models that an operator looks after without a tenant."""


@dataclass(frozen=True)
class Pages:
    """Who sees the list, adds, sees a row, is asked whether to delete it, sees its history."""

    model: str
    list: str
    add: str
    change: str
    delete: str
    history: str

    def answers(self) -> Iterator[tuple[str, str]]:
        """The name of each page's URL and who is answered what."""
        stem = self.model.replace("/", "_")
        for page in ("add", "change", "delete", "history"):
            yield f"{stem}_{page}", getattr(self, page)
        yield f"{stem}_changelist", self.list


def _record(model: str) -> Pages:
    return Pages(model, ALL, EDITORS, ALL, EDITORS, ALL)


MODELS: Final = (
    _record("catalog/author"),
    _record("catalog/publisher"),
    _record("catalog/category"),
    _record("catalog/book"),
    Pages("catalog/stock", ALL, CLERKS, ALL, NOBODY, ALL),
    Pages("catalog/stockmovement", ALL, NOBODY, ALL, NOBODY, ALL),
    Pages("orders/order", ALL, NOBODY, ALL, NOBODY, ALL),
    Pages("orders/payment", ALL, NOBODY, ALL, NOBODY, ALL),
    Pages("orders/endpoint", *[OWNERS] * 5),
    Pages("orders/delivery", OWNERS, NOBODY, OWNERS, NOBODY, OWNERS),
    Pages("tenancy/apikey", *[OWNERS] * 5),
    Pages("tenancy/session", OWNERS, NOBODY, OWNERS, OWNERS, OWNERS),
    Pages(
        "tenancy/tenant",
        PLATFORM["all"],
        PLATFORM["operators"],
        PLATFORM["all"],
        PLATFORM["nobody"],
        PLATFORM["all"],
    ),
    Pages(
        "tenancy/user",
        PLATFORM["owners"],
        PLATFORM["owners"],
        # `operator` looks for somebody of shelf, having chosen none: see OF_NO_TENANT.
        PLATFORM["owners"],
        PLATFORM["nobody"],
        PLATFORM["owners"],
    ),
    Pages(
        "tenancy/revokedtoken",
        PLATFORM["operators"],
        PLATFORM["nobody"],
        PLATFORM["operators"],
        PLATFORM["nobody"],
        PLATFORM["operators"],
    ),
    Pages(
        "procrastinate/procrastinatejob",
        PLATFORM["operators"],
        PLATFORM["nobody"],
        PLATFORM["operators"],
        PLATFORM["nobody"],
        PLATFORM["operators"],
    ),
)
OF_NO_TENANT: Final = ("revokedtoken", "procrastinatejob")
"""Models whose rows are the platform's."""

SITE: Final = {
    "index": ("/admin/", PLATFORM["all"]),
    "choose_tenant": ("/admin/tenant/", PLATFORM["operators"]),
    "password_change": ("/admin/password_change/", PLATFORM["all"]),
    "password_change_done": ("/admin/password_change/done/", PLATFORM["all"]),
    "jsi18n": ("/admin/jsi18n/", PLATFORM["all"]),
    "app_list": ("/admin/tenancy/", PLATFORM["all"]),
}
ELSEWHERE: Final = {"login", "logout", "autocomplete"}
"""Pages with tests of their own."""

UNREGISTERED: Final = {
    "bookcategory": "a book's own page writes its categories; Django takes no composite key here",
    "searchdocument": "triggers keep it",
    "searchword": "triggers keep it",
    "orderline": "an order's own page shows them; the database lets nobody change one",
    "orderevent": "an order's own page shows them; the database writes them",
    "ordercounter": "placing an order counts",
    "paymentevent": "a payment's own page shows them; the database writes them",
    "label": "an order's own page shows them; jobs buy them",
    "event": "the page of each of its deliveries shows it; the database writes it",
    "attempt": "a delivery's own page shows them; the worker writes them",
    "procrastinateworker": "a job's own page tells whether its worker is dead",
    "procrastinateevent": "a job's own page shows the last one",
    "procrastinateperiodicdefer": "which of the workers begins what is done each minute",
    "idempotencyrecord": "answers kept for the API's clients, with what stands in them",
}


def status(answers: str, person: str) -> int:
    return _ANSWERS[answers[PEOPLE.index(person)]]
