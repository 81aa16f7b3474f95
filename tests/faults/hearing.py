"""What tenants' systems should have been told of orders, and what they were."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orders.models import OrderEvent
from tests.faults.shopsystem import Message, ShopSystem

Told = tuple[str, str, str]
"""Whom, the type of the event, and the order that it is about."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """`listeners`: whose orders each of the system's receivers is told of, and of which types; of
    none: of all. Events of the orders' history count from the one after `since`. All tenants are in
    scope.
    """

    system: ShopSystem
    listeners: Mapping[str, tuple[UUID, Sequence[str]]]
    since: int

    def expected(self) -> set[Told]:
        """What the orders' history says that each receiver is to be told."""
        happened = OrderEvent.objects.filter(id__gt=self.since)
        facts = [(each.tenant_id, f"order.{_named(each)}", str(each.order_id)) for each in happened]
        return {
            (name, kind, order)
            for name, (shop, events) in self.listeners.items()
            for tenant, kind, order in facts
            if tenant == shop and (not events or kind in events)
        }

    def lost(self) -> set[Told]:
        return self.expected() - {_told(each) for each in self.system.messages if each.taken}

    def unasked(self) -> set[Told]:
        """What was rolled back, or is not for this one's ears."""
        return {_told(each) for each in self.system.messages} - self.expected()

    def doubled(self) -> set[Told]:
        """What came under more than one id, or with other bytes."""
        forms: dict[Told, set[tuple[str, bytes]]] = defaultdict(set)
        for each in self.system.messages:
            forms[_told(each)].add((each.id, each.body))
        return {told for told, seen in forms.items() if len(seen) > 1}

    def repeated(self) -> int:
        """How often a message was taken that was taken before."""
        times = Counter(_told(each) for each in self.system.messages if each.taken)
        return sum(count - 1 for count in times.values())

    def badly_signed(self) -> list[Message]:
        return [each for each in self.system.messages if not each.is_signed]


def _named(event: OrderEvent) -> str:
    return event.new_status if event.old_status else "placed"


def _told(message: Message) -> Told:
    document = json.loads(message.body)
    return message.name, document["type"], document["data"]["id"]
