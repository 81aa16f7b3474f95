"""Why an order is not taken, or not moved on. Each carries data; none knows HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from catalog.refusals import Refusal
from orders.lifecycle import allowed_from


@dataclass(frozen=True, slots=True)
class UnusableLine:
    """`position` counts from 0; the book is not there, or else not for sale."""

    position: int
    is_known: bool


class UnusableLines(Refusal):
    """Lines of books that the tenant has not, or does not sell."""

    def __init__(self, lines: Sequence[UnusableLine]) -> None:
        super().__init__(lines)
        self.lines = lines


class NotAllowed(Refusal):
    """No such transition leads on from the order's status."""

    def __init__(self, *, number: int, status: str, asked: str) -> None:
        super().__init__(number, status, asked)
        self.number = number
        self.status = status
        self.asked = asked

    @property
    def allowed(self) -> list[str]:
        return allowed_from(self.status)

    def __str__(self) -> str:
        allowed = ", ".join(self.allowed) or "nothing any more"
        status = f"Order {self.number} is {self.status}, so it can't be asked to {self.asked}."
        return f"{status} Possible: {allowed}."


class CantBeSent(Refusal):
    """The order has no label to go out by, or can have none; `code` says why."""

    code: ClassVar[str]


class NoAddress(CantBeSent):
    """Nobody knows where the order goes."""

    code = "no_address"

    def __init__(self, number: int) -> None:
        super().__init__(f"Order {number} has no shipping address.")


class HasLabel(CantBeSent):
    """The order has a label, or one is being bought."""

    code = "has_label"

    def __init__(self, number: int) -> None:
        super().__init__(f"Order {number} has a label already, or one is being bought.")


class LabelPending(CantBeSent):
    """The order's label is being bought: by what it goes out is not known yet."""

    code = "label_pending"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The label of order {number} is being bought. Wait until it is there, or name the "
            "carrier and the tracking number that the order goes out by."
        )


class NoCarrierConnected(CantBeSent):
    """There is nobody to buy a label from."""

    code = "no_carrier"

    def __init__(self) -> None:
        super().__init__("No carrier is connected: labels can't be bought here. Ship it by hand.")


class CantBeCharged(Refusal):
    """The provider is not asked to charge for the order; `code` says why."""

    code: ClassVar[str]


class PaymentPending(CantBeCharged):
    """A payment of the order is under way: whether it is charged is not known yet."""

    code = "payment_pending"

    def __init__(self, number: int) -> None:
        super().__init__(f"A payment of order {number} is under way. Wait until it is known.")


class NothingToPay(CantBeCharged):
    """The order costs nothing."""

    code = "nothing_to_pay"

    def __init__(self, number: int) -> None:
        super().__init__(f"Order {number} costs nothing. Pay it without a source.")


class NoProvider(CantBeCharged):
    """There is nobody to charge with."""

    code = "no_provider"

    def __init__(self) -> None:
        super().__init__("No payment provider is connected. Record the payment by its reference.")
