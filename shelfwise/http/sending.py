"""Sending: how often is tried, how long, and who may wait."""

import math
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from shelfwise.http import counters
from shelfwise.http.answers import Answer, BadAnswer, NotSent, OutboundError, RefusedTarget, Unclear
from shelfwise.http.client import the_client
from shelfwise.http.targets import Ask, check_public, read_target

TOTAL_SECONDS = 10.0
INTERACTIVE_SECONDS = 3.0
CHECK_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_CAME = {NotSent: "not sent", RefusedTarget: "refused", Unclear: "unclear", BadAnswer: "bad answer"}


class _Waiting(threading.local):
    """Until when this thread's client is kept waiting."""

    until = math.inf


_waiting = _Waiting()


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] = {},
    json: Any = None,
    content: bytes | None = None,
    public_only: bool = False,
    retries: int = 0,
    total: float = TOTAL_SECONDS,
) -> Answer:
    """The answer to one request, whatever its status, within `total` seconds, retries included.

    `retries` is for what can be done twice without harm: a GET, a POST with an idempotency key.
    NotSent, Unclear and the statuses 429, 502, 503 and 504 are then tried again. `public_only` is
    for URLs that tenants name. Redirects are not followed. Raises OutboundError.
    """
    label = counters.label_of(url, public_only=public_only)
    until = min(time.monotonic() + total, _waiting.until)
    with counters.counted(label) as count:
        try:
            target = read_target(url)
            if public_only:
                check_public(target)
            body = content or b"" if json is None else orjson.dumps(json)
            all_headers = _all_headers(headers, has_json=json is not None)
            ask = Ask(method, target, all_headers, body, label)
            answer = _try(ask, retries=retries, until=until, public_only=public_only)
        except OutboundError as error:
            count(_CAME[type(error)])
            raise
        count(f"{answer.status // 100}xx")
    return answer


def _all_headers(headers: Mapping[str, str], *, has_json: bool) -> dict[str, str]:
    ours = {"User-Agent": "ShelfWise/2", "Accept": "application/json", "Accept-Encoding": "gzip"}
    if has_json:
        ours["Content-Type"] = "application/json"
    return {**ours, **headers}


def _try(ask: Ask, *, retries: int, until: float, public_only: bool) -> Answer:
    may_have_arrived: Unclear | None = None
    for attempt in range(retries + 1):
        came = _try_once(ask, until=until, public_only=public_only)
        if isinstance(came, Unclear):
            may_have_arrived = came
        pause = _pause(attempt, came)
        is_late = time.monotonic() + pause >= until
        if attempt == retries or is_late or not _is_worth_another(came):
            break
        time.sleep(pause)
    # Once it may have arrived, no later refusal says that it did not.
    if may_have_arrived is not None and _is_refused(came):
        came = may_have_arrived
    if isinstance(came, OutboundError):
        raise came
    return came


def _try_once(ask: Ask, *, until: float, public_only: bool) -> Answer | OutboundError:
    try:
        return the_client().exchange(ask, until=until, public_only=public_only)
    except OutboundError as error:
        return error


def _is_worth_another(came: Answer | OutboundError) -> bool:
    if isinstance(came, Unclear):
        return True
    return _is_refused(came) and not isinstance(came, RefusedTarget)


def _is_refused(came: Answer | OutboundError) -> bool:
    """Whether this try by itself changed nothing there."""
    return came.status in _TRY_AGAIN if isinstance(came, Answer) else isinstance(came, NotSent)


def _pause(attempt: int, came: Answer | OutboundError) -> float:
    """Seconds before the next try: full jitter, and no less than the other side asks for."""
    longest = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
    jitter = random.uniform(0, longest)  # noqa: S311 - it spreads, and guards nothing
    return max(jitter, _retry_after(came)) if isinstance(came, Answer) else jitter


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0


@contextmanager
def interactive() -> Iterator[None]:
    """For calls made while a client waits: all of them together take at most 3 s.

    Half of a process's threads can be here at a time, so that a hung partner never takes them all.
    Raises NotSent at once when no place is free.
    """
    places = the_client().places
    if not places.acquire(blocking=False):
        raise NotSent("", "too many clients wait for others already")
    before = _waiting.until
    _waiting.until = min(before, time.monotonic() + INTERACTIVE_SECONDS)
    try:
        yield
    finally:
        _waiting.until = before
        places.release()


def check_target(url: str) -> None:
    """Raises RefusedTarget for what a tenant's endpoint may not be.

    A name that is not known now is let pass: each call checks again, at the connection it makes.
    Takes 2 s at most, and is for calls inside `interactive()`.
    """
    target = read_target(url)
    check_public(target)
    try:
        the_client().public_addresses(target.host, target.port, time.monotonic() + CHECK_SECONDS)
    except RefusedTarget:
        raise
    except NotSent:
        return
