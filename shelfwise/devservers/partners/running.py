"""The stand-ins as a child process, and a client of their control."""

import base64
import http.client
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.leftovers import stop_leftover
from shelfwise.devservers.partners.place import Place
from shelfwise.devservers.processes import Program, running

NAME = "the stand-in partners"
KEYS = ("PAYMENT_KEY", "PAYMENT_WEBHOOK_SECRET", "SHIPPING_KEY", "SHIPPING_WEBHOOK_SECRET")
_HOST = "127.0.0.1"


class Control:
    """What can be told to the stand-ins, and asked of them. Each call raises OSError or
    AssertionError, the latter with what they answered.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def fault(self, service: str, fault: str, *, times: int | None = 1, **more: Any) -> None:
        """The next `times` requests to the service meet it, or all (None); see `faults.py`."""
        told = {"service": service, "fault": fault, "times": times, **more}
        self.ask("PUT", "faults", told)

    def clear(self, service: str | None = None) -> None:
        """Forgets the faults of the service, or all."""
        self.ask("DELETE", f"faults?service={service}" if service else "faults")

    def reset(self) -> None:
        """Forgets everything: faults, charges, labels, deliveries, counts."""
        self.ask("DELETE", "")

    def ledger(self, service: str) -> dict[str, Any]:
        """What the service really did."""
        return self.ask("GET", f"ledger/{service}")

    def receiver(self, name: str, *, secret: str | None = None) -> list[dict[str, Any]]:
        """The deliveries to `/receiver/{name}`; with a secret it is told that first."""
        path = f"receivers/{quote(name, safe='')}"
        told = {"secret": secret} if secret is not None else None
        found = self.ask("PUT" if told else "GET", path, told)
        return cast(list[dict[str, Any]], found["deliveries"])

    def hooks(self, service: str) -> list[dict[str, Any]]:
        """The webhooks to ShelfWise: `{"id", "type", "headers", "body", "at", "attempts"}`."""
        return cast(list[dict[str, Any]], self.ask("GET", f"hooks/{service}")["hooks"])

    def send_hooks_to(self, url: str) -> None:
        """ShelfWise's own URL, `http://127.0.0.1:port`; '' sends none."""
        self.ask("PUT", "hooks", {"url": url})

    def move(self, tracking_number: str, state: str | None = None) -> dict[str, Any]:
        """The parcel goes on to that state, or to the next; its tracking."""
        return self.ask("PUT", f"tracking/{tracking_number}", {"state": state} if state else {})

    def connections(self) -> dict[str, dict[str, int]]:
        """`{"accepted": {"https": n, "http": n}, "requests": {"2": n, "1.1": n}}`. These calls
        come by the plain port, and are no requests.
        """
        return self.ask("GET", "connections")

    def ask(self, method: str, path: str, told: Any = None) -> dict[str, Any]:
        """One request to `/control/{path}`, on a connection of its own."""
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=10)
        try:
            body = None if told is None else json.dumps(told)
            connection.request(method, f"/control/{path}", body)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise AssertionError(f"{method} /control/{path}: {response.status} {text}")
        return cast(dict[str, Any], json.loads(text))


@dataclass(frozen=True)
class Partners:
    """Stand-ins that run. `environment` is what tells ShelfWise of them."""

    http_port: int
    https_port: int
    ca_file: Path
    keys: Mapping[str, str]

    @property
    def http_url(self) -> str:
        return f"http://{_HOST}:{self.http_port}"

    @property
    def https_url(self) -> str:
        return f"https://{_HOST}:{self.https_port}"

    @property
    def environment(self) -> dict[str, str]:
        ports = (self.http_port, self.https_port)
        return {
            **self.keys,
            "PAYMENT_URL": f"{self.https_url}/payment",
            "SHIPPING_URL": f"{self.https_url}/shipping",
            "ISBN_URL": f"{self.https_url}/isbn",
            "OUTBOUND_CA_FILE": str(self.ca_file),
            "PRIVATE_TARGETS": ",".join(f"{_HOST}:{port}" for port in ports),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The same for `override_settings`."""
        targets = tuple(self.environment["PRIVATE_TARGETS"].split(","))
        return {**self.environment, "PRIVATE_TARGETS": targets}

    @property
    def control(self) -> Control:
        return Control(self.http_port)

    def receiver_url(self, name: str) -> str:
        return f"{self.https_url}/receiver/{name}"


@contextmanager
def running_partners(
    folder: Path | None = None,
    *,
    keys: Mapping[str, str] | None = None,
    http: int = 0,
    https: int = 0,
    hooks_to: str = "",
) -> Iterator[Partners]:
    """Yields them once they answer. Without a folder they have a new one for the block; a port
    that is taken, or 0, is replaced by a free one. Raises StartError.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="partners-")))
        folder.mkdir(exist_ok=True)
        place = Place(folder.resolve())
        keys = keys or made_keys(lambda _: secrets.token_hex(32))
        stop_leftover(place.pid_file, mark=place.folder, stop_signal=signal.SIGTERM)
        place.forget_ports()
        words: dict[str, str | Path] = {
            "--folder": place.folder,
            "--http": str(http),
            "--https": str(https),
            "--hooks-to": hooks_to,
        }
        program = Program(
            name=NAME,
            command=[
                *(sys.executable, "-m", "shelfwise.devservers.partners"),
                *(word for pair in words.items() for word in pair),
            ],
            stop_signal=signal.SIGTERM,
            log=place.log,
            folder=PROJECT,
            environment={**os.environ, **keys},
            seconds_to_stop=3,
        )
        stack.enter_context(running(program, is_ready=place.has_ports))
        yield Partners(*place.ports(), place.ca_file, keys)


def made_keys(secret: Callable[[str], str]) -> dict[str, str]:
    """A key or a webhook's secret for each of KEYS. `secret(name)` is 32 bytes in hexadecimal."""
    return {
        name: _webhook_secret(secret(name)) if name.endswith("_WEBHOOK_SECRET") else secret(name)
        for name in KEYS
    }


def _webhook_secret(hexadecimal: str) -> str:
    return "whsec_" + base64.b64encode(bytes.fromhex(hexadecimal)).decode()
