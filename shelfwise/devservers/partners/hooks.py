"""The webhooks of the payment and shipping stand-ins to ShelfWise."""

import asyncio
import http.client
import json
import uuid
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from shelfwise.devservers.partners.exchange import Event
from shelfwise.devservers.partners.faults import HOOK_FAULTS, Fault, Faults
from shelfwise.devservers.partners.ledger import now

_KEPT = 20_000
_SECONDS_TO_ANSWER = 10
_PAUSES = (0.5, 2.0, 8.0)
"""Seconds between the attempts."""

_AFTER_ANSWER = 0.5
"""Seconds that a webhook waits at most for the answer to the request that it came of."""

_FORGED = "whsec_" + "Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9y"


class Hooks:
    """Those of one service. `url` is where they go; '' sends none, and keeps them in the log."""

    def __init__(self, service: str, secret: str, faults: Faults) -> None:
        self.url = ""
        self._service, self._secret, self._faults = service, secret, faults
        self._tasks: set[asyncio.Task[None]] = set()
        self.clear()

    def clear(self) -> None:
        self.log: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._held: list[dict[str, Any]] = []

    async def tell(self, events: Iterable[Event], answered: asyncio.Event) -> None:
        """Sends each after the answer; what a fault wants told before it, before it returns."""
        for event in events:
            fault = self._faults.take(self._service, event.type, of=HOOK_FAULTS)
            hook = self._signed(event, fault)
            match fault.fault if fault else "":
                case "hook_none":
                    pass
                case "hook_first":
                    await self._deliver([hook])
                case "hook_swapped":
                    self._held.append(hook)
                case "hook_twice":
                    self._later(answered, 0, [hook, hook])
                case _:
                    seconds = (fault.seconds if fault else None) or 0
                    held, self._held = self._held, []
                    self._later(answered, seconds, [hook, *held])

    def _signed(self, event: Event, fault: Fault | None) -> dict[str, Any]:
        is_forged = fault is not None and fault.fault == "hook_forged"
        moment = datetime.now(UTC)
        content = {"type": event.type, "timestamp": now(), "data": dict(event.data)}
        body, identity = json.dumps(content), f"msg_{uuid.uuid4().hex}"
        signature = Webhook(_FORGED if is_forged else self._secret).sign(identity, moment, body)
        headers = {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
        }
        return {"id": identity, "type": event.type, "headers": headers, "body": body}

    def _later(self, answered: asyncio.Event, seconds: float, hooks: list[dict[str, Any]]) -> None:
        async def wait_and_deliver() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(answered.wait(), _AFTER_ANSWER)
            await asyncio.sleep(seconds)
            await self._deliver(hooks)

        task = asyncio.create_task(wait_and_deliver())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, hooks: list[dict[str, Any]]) -> None:
        for hook in hooks:
            entry = {**hook, "at": now(), "attempts": []}
            self.log.append(entry)
            for pause in (*_PAUSES, 0):
                if await self._attempt(entry):
                    break
                await asyncio.sleep(pause)

    async def _attempt(self, entry: dict[str, Any]) -> bool:
        """Whether it was taken, or need not be sent at all."""
        if not self.url:
            return True
        url = f"{self.url}/hooks/{self._service}"
        try:
            status = await asyncio.to_thread(_post, url, entry["body"], entry["headers"])
        except (OSError, http.client.HTTPException) as error:
            entry["attempts"].append(type(error).__name__)
            return False
        entry["attempts"].append(status)
        return 200 <= status < 300


def _post(url: str, body: str, headers: dict[str, str]) -> int:
    """To this machine only, so that no proxy and no certificate is asked."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_SECONDS_TO_ANSWER
    )
    try:
        connection.request("POST", parts.path, body.encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()
