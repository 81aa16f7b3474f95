"""Each fault of an answer: what the client sees of it."""

import asyncio
import gzip
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from shelfwise.devservers.partners.exchange import Answer, Exchange
from shelfwise.devservers.partners.faults import Fault
from shelfwise.devservers.partners.records import RECORDS

_Act = Callable[[], Awaitable[Answer]]
_HANGS = 120.0
_TRICKLES = 0.1
_BLOCK = b" " * 65_536
_SECONDS_TO_BE_SENT = 0.05


async def misbehave(fault: Fault, exchange: Exchange, act: _Act) -> None:
    """`act` has the service do what was asked, if the fault lets it, and is its right answer."""
    await _WAYS.get(fault.fault, _answer_wrongly)(fault, exchange, act)


async def _delay(fault: Fault, exchange: Exchange, act: _Act) -> None:
    seconds = fault.seconds or 0.0
    if fault.acted:
        answer = await act()
        await exchange.leaves(seconds)
    else:
        has_left = await exchange.leaves(seconds)
        if has_left:
            return
        answer = await act()
    await exchange.answer(answer)


async def _hang(fault: Fault, exchange: Exchange, act: _Act) -> None:
    if fault.acted:
        await act()
    await exchange.leaves(_HANGS if fault.seconds is None else fault.seconds)
    exchange.cut()


async def _error(fault: Fault, exchange: Exchange, act: _Act) -> None:
    if fault.acted:
        await act()
    headers = {"retry-after": fault.retry_after} if fault.retry_after is not None else {}
    content = {"code": "out_of_order", "detail": "The stand-in was told to fail."}
    await exchange.answer(Answer(fault.status, content, headers))


async def _cut(fault: Fault, exchange: Exchange, act: _Act) -> None:
    if fault.acted:
        await act()
    exchange.cut()


async def _torn(fault: Fault, exchange: Exchange, act: _Act) -> None:
    answer = await act()
    body = answer.body
    await exchange.begin(answer, length=len(body))
    await exchange.give(body[: len(body) // 2])
    await asyncio.sleep(_SECONDS_TO_BE_SENT)
    exchange.cut()


async def _trickle(fault: Fault, exchange: Exchange, act: _Act) -> None:
    answer = await act()
    body = answer.body
    await exchange.begin(answer, length=len(body))
    for byte in body:
        await exchange.give(bytes([byte]))
        if await exchange.leaves(_TRICKLES if fault.seconds is None else fault.seconds):
            return
    await exchange.end()


async def _redirect(fault: Fault, exchange: Exchange, act: _Act) -> None:
    await exchange.answer(Answer(307, None, {"location": fault.location}))


async def _huge(fault: Fault, exchange: Exchange, act: _Act) -> None:
    answer = await act()
    await exchange.begin(answer, length=None)
    for _ in range(-(-fault.size // len(_BLOCK))):
        if await exchange.leaves(0):
            return
        await exchange.give(_BLOCK)
    await exchange.end()


async def _bomb(fault: Fault, exchange: Exchange, act: _Act) -> None:
    answer = await act()
    small = await asyncio.to_thread(_squeezed, fault.size)
    headers = {**answer.headers, "content-encoding": "gzip"}
    await exchange.answer(replace(answer, content=small, headers=headers))


async def _answer_wrongly(fault: Fault, exchange: Exchange, act: _Act) -> None:
    answer = await act()
    await exchange.answer(_WRONG[fault.fault](fault, answer))


@cache
def _squeezed(size: int) -> bytes:
    return gzip.compress(b" " * size)


def _not_json(fault: Fault, answer: Answer) -> Answer:
    page = b"<!doctype html><title>Welcome</title><p>It works!"
    return replace(answer, content=page, headers={"content-type": "text/html"})


def _wrong_types(fault: Fault, answer: Answer) -> Answer:
    return replace(answer, content=_retyped(answer.content))


def _retyped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _retyped(each) for name, each in value.items()}
    if isinstance(value, list):
        return {str(position): _retyped(each) for position, each in enumerate(value)}
    return 7 if isinstance(value, str) else "seven"


def _replaced(value: Any, values: Mapping[str, Any]) -> Any:
    """Fields of these names, however deep."""
    if isinstance(value, Mapping):
        return {name: values.get(name, _replaced(each, values)) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, values) for each in value]
    return value


def _with(**values: Any) -> Callable[[Fault, Answer], Answer]:
    return lambda _, answer: replace(answer, content=_replaced(answer.content, values))


def _other_record(fault: Fault, answer: Answer) -> Answer:
    first, second = list(RECORDS)[:2]
    others = {
        key: RECORDS[second if key.endswith(first) else first] for key in answer.content or {}
    }
    return replace(answer, content=others)


_WAYS: Mapping[str, Callable[[Fault, Exchange, _Act], Awaitable[None]]] = {
    "delay": _delay,
    "hang": _hang,
    "error": _error,
    "cut": _cut,
    "torn": _torn,
    "trickle": _trickle,
    "redirect": _redirect,
    "huge": _huge,
    "bomb": _bomb,
}
_WRONG: Mapping[str, Callable[[Fault, Answer], Answer]] = {
    "not_json": _not_json,
    "empty": lambda _, answer: replace(answer, content=None),
    "wrong_shape": lambda _, answer: replace(answer, content=[]),
    "wrong_types": _wrong_types,
    "replace": lambda fault, answer: _with(**fault.values)(fault, answer),
    "other_amount": _with(amount="0.01", price="0.01"),
    "other_currency": _with(currency="XTS"),
    "other_reference": _with(reference=str(uuid.UUID(int=0))),
    "other_record": _other_record,
}
