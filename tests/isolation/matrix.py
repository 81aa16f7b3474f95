"""The cast of the matrix, and all rows that there are for what the service takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from django.test import Client, TestCase
from django.urls import get_resolver
from django.utils import timezone

from shelfwise.auth.revocation import revocations
from shelfwise.tenancy.models import Role
from tests.isolation.checking import Inspector, Row
from tests.isolation.expected import LEAST_ROLES, ORDERS
from tests.isolation.gaps import tenant_doors
from tests.isolation.reads import beginning, cursor_rows, read_rows, tag_rows
from tests.isolation.routes import Door, known_in, path_to
from tests.isolation.shop import Asker, Shop, nobody, nothing, open_shop, people_of, suspended
from tests.isolation.world import world
from tests.isolation.writes import KEY, placing
from tests.orders.clock import dashboard_at
from tests.orders.shipping.paper import with_paper_carrier

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse

_NEXT = re.compile(r"cursor=([\w-]+)")


class MatrixTestCase(TestCase):
    """Two shops with somebody of each role, one that is suspended, and what no shop has."""

    askers: ClassVar[list[Asker]]
    shops: ClassVar[list[Shop]]
    nothing: ClassVar[Shop]
    tenants: ClassVar[dict[str, str]]
    doors: ClassVar[set[Door]]
    parameters: ClassVar[dict[Door, list[str]]]
    orderings: ClassVar[dict[str, list[str]]]
    now: ClassVar[datetime]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.now = timezone.now()
        opened = [
            open_shop("ambrovel", "9781700100177", serial=1),
            open_shop("quizonar", "9781700200273", serial=2),
            open_shop("drolkuth", "9781700300379", serial=3),
        ]
        cls.tenants = {shop.stem: str(tenant.id) for tenant, shop in opened}
        cls.nothing, cls.shops = nothing(), [shop for _, shop in opened[:2]]
        people = [people_of(*each) for each in opened[:2]]
        cls.askers = [*people[0], *people[1], nobody(cls.shops[0]), suspended(*opened[2])]
        cls.doors = tenant_doors(get_resolver())
        revocations.renew()
        owners = [each for each in cls.askers if each.role is Role.OWNER]
        look = _Look(owners, cls.doors)
        cls.parameters, cls.orderings = look.parameters(), look.orderings()
        with dashboard_at(cls.now), with_paper_carrier():
            look.collect(cls.orderings)
        look.forge(cls.nothing)
        look.forge(opened[2][1])

    def setUp(self) -> None:
        revocations.renew()
        self.enterContext(dashboard_at(self.now))
        self.enterContext(with_paper_carrier())
        self.inspector = Inspector(self.client, self.tenants)

    def somebody(self, role: Role) -> Asker:
        """Of the first shop."""
        return next(each for each in self.askers if each.role is role)

    def reads(self) -> list[Row]:
        """Every GET."""
        routes = sorted(route for method, route in self.doors if method == "GET")
        lists = self.orderings.items()
        cursors = [row for each in lists for row in cursor_rows(*each)]
        return [*read_rows(), *tag_rows(routes), *cursors]

    def faults(self, rows: Iterable[Row]) -> list[str]:
        """What is wrong with the answers, and whether anything was changed for good.

        Everybody asks at each place; what else can be said at the same place, only those of the
        least role that is let in.
        """
        faults = [
            fault
            for row, askers in self._asked(rows)
            for asker in askers
            for fault in self.inspector.faults_of(
                row,
                asker,
                stranger=self.shops[asker.shop == self.shops[0]],
                nothing=self.nothing,
                least=LEAST_ROLES[row.route][row.method],
            )
        ]
        changed = self.inspector.before ^ world()
        return faults + [f"changed for good: {row}" for row in sorted(changed)]

    def _asked(self, rows: Iterable[Row]) -> Iterator[tuple[Row, list[Asker]]]:
        asked = set()
        for row in rows:
            place = (row.method, row.route, row.place)
            least = LEAST_ROLES[row.route][row.method]
            yield row, [each for each in self.askers if place not in asked or each.role is least]
            asked.add(place)


class _Look:
    """Asks as the owners what the service takes, and what it gives them to come back with."""

    def __init__(self, owners: Iterable[Asker], doors: Iterable[Door]) -> None:
        self.owners = list(owners)
        self.doors = sorted(doors)
        self.client = Client()

    def parameters(self) -> dict[Door, list[str]]:
        """By door, the parameters that it knows, and `KEY` if it does. It must refuse others."""
        known = {}
        for method, route in self.doors:
            if method != "HEAD":
                path = f"{self._path(route)}?no-such=1"
                problem = self._ask(method, path, key="fresh").json()
                known[method, route] = known_in(problem, "unknown", "no-such")
                refused = self._ask(method, path, key="k" * 256).json()["errors"][0]
                known[method, route] += [KEY] if refused["parameter"] == KEY else []
        heads = {("HEAD", route): names for (door, route), names in known.items() if door == "GET"}
        return known | heads

    def orderings(self) -> dict[str, list[str]]:
        """By route of a list, how it can be sorted."""
        found = {}
        for (method, route), names in self.parameters().items():
            if method == "GET" and "cursor" in names:
                problem = self._ask(method, f"{self._path(route)}?ordering=no-such").json()
                detail = problem["errors"][0]["detail"]
                found[route] = detail.partition(": ")[2].rstrip(".").split(", ")
        return found

    def collect(self, orderings: dict[str, list[str]]) -> None:
        """Notes for each owner's shop the tag of each read, and a cursor of each order. Before, an
        order is placed with the shop's key.
        """
        for owner in self.owners:
            placed = self._ask("POST", f"/{ORDERS}", owner, placing(owner.shop), owner.shop.key)
            assert placed.status_code == HTTPStatus.CREATED, placed.content
            for route in (route for method, route in self.doors if method == "GET"):
                response = self._ask("GET", path_to(route, owner.shop), owner)
                owner.shop.tags[route] = response["ETag"]
                for ordering in orderings.get(route, []):
                    path = beginning(route, ordering, owner.shop)
                    found = _NEXT.search(self._ask("GET", path, owner).json()["next"])
                    assert found, path
                    owner.shop.cursors[route, ordering] = found[1]

    def forge(self, shop: Shop) -> None:
        """Gives a shop tags and cursors like those that were given, which nobody was given."""
        own = self.owners[0].shop
        shop.tags.update({route: f'"{tag[-2:0:-1]}"' for route, tag in own.tags.items()})
        shop.cursors.update({each: _other(cursor) for each, cursor in own.cursors.items()})

    def _path(self, route: str) -> str:
        return path_to(route, self.owners[0].shop).partition("?")[0]

    def _ask(
        self, method: str, path: str, owner: Asker | None = None, body: Any = None, key: str = ""
    ) -> ClientResponse:
        headers = {"authorization": f"Bearer {(owner or self.owners[0]).token}", KEY: key}
        sent = b"" if body is None else orjson.dumps(body)
        return self.client.generic(method, path, sent, "application/json", headers=headers)


def _other(cursor: str) -> str:
    return ("B" if cursor[0] == "A" else "A") + cursor[1:]
