"""What the stand-ins are told to do wrong, and how often."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from shelfwise.devservers.partners.exchange import Refused

SERVICES = ("payment", "shipping", "isbn", "receiver")
_MOST_FAULTS = 10_000
_LONGEST_WAIT = 600
_MOST_BYTES = 1024 * 1024 * 1024

FAULTS = {
    "delay": "answers rightly, `seconds` late",
    "hang": "does not answer for `seconds` (120)",
    "error": "answers `status` (503), with `retry_after` as Retry-After",
    "cut": "cuts the connection before any answer",
    "torn": "cuts the connection in the middle of the answer's body",
    "trickle": "sends the answer's body byte by byte, `seconds` apart",
    "redirect": "redirects to `location`",
    "not_json": "answers a page of HTML with the right status",
    "empty": "answers no body with the right status",
    "wrong_shape": "answers a JSON list",
    "wrong_types": "answers numbers for texts, texts for numbers, and so on",
    "replace": "answers with `values` in the place of the fields of these names",
    "other_amount": "answers 0.01 as the amount, or as the price",
    "other_currency": "answers XTS as the currency",
    "other_reference": "answers somebody else's reference",
    "other_record": "answers another ISBN's record",
    "huge": "answers `size` bytes (20 MiB), without telling how many",
    "bomb": "answers `size` bytes that gzip has made small",
}
"""Of an answer. The first four happen before the service has done what was asked; with `acted`,
after it: `delay`, `acted` is an answer that comes too late for what did happen.
"""

HOOK_FAULTS = {
    "hook_twice": "sends the webhook twice, with the same id",
    "hook_first": "sends the webhook before it answers the request",
    "hook_none": "never sends the webhook",
    "hook_late": "sends the webhook `seconds` late",
    "hook_swapped": "sends the webhook after the next one",
    "hook_forged": "signs the webhook with another secret",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`on` is which requests it meets, as `POST /charges/*/capture`; of webhooks, which types."""

    service: str
    fault: str
    times: int | None = 1
    on: str = "*"
    seconds: float | None = None
    acted: bool = False
    status: int = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after: str | None = None
    location: str = ""
    size: int = 20 * 1024 * 1024
    values: Mapping[str, Any] = field(default_factory=dict)


class Faults:
    """Those that are still to happen, in the order in which they were told."""

    def __init__(self) -> None:
        self._left: deque[Fault] = deque(maxlen=_MOST_FAULTS)

    def add(self, told: Mapping[str, Any]) -> None:
        """Raises Refused when there is no such fault."""
        self._left.append(_fault(told))

    def clear(self, service: str | None = None) -> None:
        """Those of one service, or all."""
        kept = [fault for fault in self._left if service and fault.service != service]
        self._left = deque(kept, maxlen=_MOST_FAULTS)

    def take(self, service: str, what: str, *, of: Mapping[str, str] = FAULTS) -> Fault | None:
        """The first that meets this, which is then counted."""
        for position, fault in enumerate(self._left):
            is_met = fault.service == service and fault.fault in of and fnmatchcase(what, fault.on)
            if is_met:
                self._count(position, fault)
                return fault
        return None

    def _count(self, position: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times > 1:
            self._left[position] = Fault(**{**vars(fault), "times": fault.times - 1})
        else:
            del self._left[position]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (asdict(fault) for fault in self._left)


def _fault(told: Mapping[str, Any]) -> Fault:
    """Raises Refused."""
    known = [each.name for each in fields(Fault)]
    if strange := sorted(set(told) - set(known)):
        raise _refused(f"there is no {', '.join(strange)}; there are {', '.join(known)}")
    for name, values in (("service", SERVICES), ("fault", [*FAULTS, *HOOK_FAULTS])):
        if told.get(name) not in values:
            raise _refused(f"{name} is one of {', '.join(values)}")
    for name, (is_sane, meaning) in _SANE.items():
        if name in told and not is_sane(told[name]):
            raise _refused(f"{name} is {meaning}")
    return Fault(**told)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and least <= value <= most


_SANE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "times": (lambda v: v is None or _is_whole(v, 1, _MOST_FAULTS), "a number, or null: always"),
    "on": (lambda v: isinstance(v, str), "a pattern"),
    "seconds": (
        lambda v: v is None or (isinstance(v, int | float) and 0 <= v <= _LONGEST_WAIT),
        f"0 to {_LONGEST_WAIT}",
    ),
    "acted": (lambda v: isinstance(v, bool), "true or false"),
    "status": (lambda v: _is_whole(v, 200, 599), "200 to 599"),
    "retry_after": (lambda v: v is None or isinstance(v, str), "a text"),
    "location": (lambda v: isinstance(v, str), "a URL"),
    "size": (lambda v: _is_whole(v, 0, _MOST_BYTES), f"0 to {_MOST_BYTES}"),
    "values": (lambda v: isinstance(v, Mapping), "an object"),
}


def _refused(detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_fault", detail)
