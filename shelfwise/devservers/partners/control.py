"""How people and tests steer the stand-ins, and see what came to them."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shelfwise.devservers.partners.exchange import Answer, Refused, Request
from shelfwise.devservers.partners.faults import FAULTS, HOOK_FAULTS
from shelfwise.devservers.partners.ledger import not_found

if TYPE_CHECKING:
    from shelfwise.devservers.partners.app import App

_HELP = {
    "GET /control/faults": "those that are still to happen",
    "PUT /control/faults": '{"service", "fault", "times": 1 or null, "on", …} adds one',
    "DELETE /control/faults": "forgets them",
    "GET /control/ledger/{service}": "what payment, shipping, isbn or receiver really did",
    "GET /control/hooks/{service}": "the webhooks of payment or shipping to ShelfWise",
    "PUT /control/hooks": '{"url"}: where they go from now on; "" sends none',
    "PUT /control/tracking/{number}": '{"state"}, or {} for the next: moves a parcel on',
    "GET /control/receivers/{name}": "the deliveries to /receiver/{name}",
    "PUT /control/receivers/{name}": '{"secret"}: it takes only what is signed with it',
    "GET /control/connections": "connections accepted by port, requests by version of HTTP",
    "DELETE /control": "forgets everything",
}
_LOCAL = {"127.0.0.1", "localhost", "::1"}


async def control(app: "App", request: Request) -> Answer:
    """Raises Refused."""
    if request.method == "GET":
        return Answer(content=_shown(app, request.segments))
    match request.method, request.segments:
        case "DELETE", [""]:
            app.clear()
        case "DELETE", ["faults"]:
            app.faults.clear(request.query.get("service"))
        case "PUT", [_, *_]:
            return Answer(content=await _told(app, request))
        case _:
            raise not_found("page")
    return Answer(content={})


def _shown(app: "App", segments: list[str]) -> Mapping[str, Any]:
    match segments:
        case [""]:
            return {"help": _HELP, "faults": FAULTS, "hook_faults": HOOK_FAULTS}
        case ["faults"]:
            return {"faults": list(app.faults)}
        case ["connections"]:
            return app.traffic.counts()
        case ["ledger", service] if service in app.services:
            return app.services[service].ledger()
        case ["hooks", service] if service in app.hooks:
            return {"hooks": list(app.hooks[service].log)}
        case ["receivers", name]:
            return {"deliveries": app.receivers.log(name)}
    raise not_found("page")


async def _told(app: "App", request: Request) -> Mapping[str, Any]:
    told = request.json()
    match request.segments:
        case ["faults"]:
            app.faults.add(told)
            return {"faults": list(app.faults)}
        case ["receivers", name]:
            app.receivers.tell(name, str(told.get("secret", "")))
            return {"deliveries": app.receivers.log(name)}
        case ["tracking", number]:
            return await _move(app, number, told.get("state"))
        case ["hooks"]:
            return {"url": _send_hooks_to(app, told.get("url"))}
    raise not_found("page")


async def _move(app: "App", number: str, state: str | None) -> Mapping[str, Any]:
    tracking, event = app.shipping.move(number, state)
    answered = asyncio.Event()
    answered.set()  # nobody's request has to be answered before
    await app.hooks["shipping"].tell([event], answered)
    return tracking


def _send_hooks_to(app: "App", url: Any) -> str:
    """The stand-ins speak to this machine only. Raises Refused."""
    parts = urlsplit(url if isinstance(url, str) else "?")
    if url != "" and (parts.scheme != "http" or parts.hostname not in _LOCAL):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_url", "Name http://127.0.0.1:port.")
    for hooks in app.hooks.values():
        hooks.url = str(url).rstrip("/")
    return str(url)
