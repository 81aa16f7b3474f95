"""Why an order is not taken, or not moved on. Each carries data; none knows HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass

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
