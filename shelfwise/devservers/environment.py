"""Decides which servers a management command needs, and sets the environment for settings."""

import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shelfwise.devservers import interrupts
from shelfwise.devservers.datafolder import DataFolder, Hold, Holder, wait_for_change
from shelfwise.devservers.processes import StartError

_SERVERS = ("DATABASE_URL", "REDIS_URL")
_SECRETS = ("SECRET_KEY", "JWT_SIGNING_KEYS")
_PARTNERS = (
    *("PAYMENT_URL", "PAYMENT_KEY", "PAYMENT_WEBHOOK_SECRET"),
    *("SHIPPING_URL", "SHIPPING_KEY", "SHIPPING_WEBHOOK_SECRET"),
    *("ISBN_URL", "OUTBOUND_CA_FILE", "PRIVATE_TARGETS"),
)
"""Stand-ins run when none of these is set: who names a partner names them all."""
_LOCAL = {"ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]", "HTTPS": "off"}
_PLACEHOLDERS = {
    "DATABASE_URL": "postgresql://shelfwise@/shelfwise?host=/nonexistent",
    "REDIS_URL": "unix:///nonexistent",
}
_WITHOUT_SERVERS = {"help", "version", "check", "collectstatic", "spectacular"}
_HELP = {"-h", "--help", "--version"}
_SECONDS_TO_WAIT = 30


@contextmanager
def environment_for(argv: Sequence[str]) -> Iterator[None]:
    """Has what `manage.py argv[1:]` needs running and in the environment, inside the block.

    What the caller's environment names always wins; only what is unset is started or made.
    A refusal is one line on stderr and exit status 1.
    """
    command = argv[1] if len(argv) > 1 else "help"
    with ExitStack() as stack:
        try:
            if command in {"demo", "test"} or _beside_data_folder():
                stack.enter_context(interrupts.exit_when_stopped())
                stack.enter_context(_needed_by(command, argv[2:]))
        except (StartError, OSError) as error:
            sys.exit(f"shelfwise: {error}")
        yield


@contextmanager
def throwaway_environment() -> Iterator[None]:
    """Servers of their own in a new temp folder, deleted at the end. Raises StartError."""
    from shelfwise.devservers.places import prepare

    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shelfwise-"))).resolve()
        data.chmod(0o711)  # for the server's user
        stack.callback(prepare(data).remove)
        stack.enter_context(_defaults({name: secrets.token_hex(32) for name in _SECRETS} | _LOCAL))
        # Whatever the caller's environment names: a test charges nobody.
        stack.enter_context(_changed(dict.fromkeys(_PARTNERS, "")))
        stack.enter_context(_servers(data, throwaway=True))
        yield


def port() -> int:
    """Where `demo` serves. Raises StartError when PORT is no port."""
    value = os.environ.get("PORT") or "8000"
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise StartError(f"PORT is {value!r}. Set it to a number from 1 to 65535.")
    return int(value)


def _beside_data_folder() -> bool:
    return bool(_unset(_SERVERS)) and DataFolder.default().was_made_by_demo


@contextmanager
def _needed_by(command: str, arguments: Sequence[str]) -> Iterator[None]:
    with ExitStack() as stack:
        if command in _WITHOUT_SERVERS or _HELP.intersection(arguments):
            unused = {name: secrets.token_hex(32) for name in _SECRETS}
            stack.enter_context(_defaults(unused | _LOCAL | _PLACEHOLDERS))
        elif command == "test":
            stack.enter_context(throwaway_environment())
        elif command == "demo":
            stack.enter_context(_demo(DataFolder.default()))
        else:
            stack.enter_context(_beside(DataFolder.default(), command))
        yield


@contextmanager
def _demo(folder: DataFolder) -> Iterator[None]:
    from shelfwise.devservers.web import stop_leftovers

    url = f"http://127.0.0.1:{port()}"
    folder.make()
    with folder.held_by("demo", url=url) as hold:
        if hold is None:
            raise StartError(f"{folder.path} is in use by {folder.holder() or 'another process'}.")
        stop_leftovers(folder.path)
        _refuse_taken(port())
        with _stand_ins(folder) as partners, _hosted(folder, hold, partners):
            yield


@contextmanager
def _beside(folder: DataFolder, command: str) -> Iterator[None]:
    """With the servers of a running demo, else with servers for the length of the command."""
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while True:
        with folder.held_by(command) as hold:
            if hold:
                with _hosted(folder, hold):
                    yield
                return
        holder = folder.holder()
        if holder and holder.command == "demo" and _unset(_SERVERS) <= set(holder.urls):
            with _defaults({**_shared(holder), **_kept_secrets(folder), **_LOCAL}):
                yield
            return
        wait_for_change(deadline, holder)


def _shared(holder: Holder) -> Mapping[str, str]:
    """What a running demo has for other commands; its partners only where none is named."""
    left_out = () if _unset(_PARTNERS) == set(_PARTNERS) else _PARTNERS
    return {name: value for name, value in holder.urls.items() if name not in left_out}


@contextmanager
def _hosted(
    folder: DataFolder, hold: Hold, partners: Mapping[str, str] | None = None
) -> Iterator[None]:
    with _defaults(_kept_secrets(folder) | _LOCAL), _servers(folder.path) as urls:
        hold.announce({**urls, **(partners or {})})
        yield


@contextmanager
def _stand_ins(folder: DataFolder) -> Iterator[Mapping[str, str]]:
    """Starts the stand-in partners beside the service's port, unless a partner is named. Yields
    the variables that it sets.
    """
    from shelfwise.devservers.partners.running import made_keys, running_partners

    if _unset(_PARTNERS) != set(_PARTNERS):
        yield {}
        return
    starting = running_partners(
        folder.path / "partners",
        keys=made_keys(folder.secret),
        http=port() + 1,
        https=port() + 2,
        hooks_to=f"http://127.0.0.1:{port()}",
    )
    with starting as partners, _defaults(partners.environment):
        yield partners.environment


@contextmanager
def _servers(data: Path, *, throwaway: bool = False) -> Iterator[Mapping[str, str]]:
    """Starts the servers whose URL is unset, and sets it."""
    from shelfwise.devservers.places import prepare

    missing = _unset(_SERVERS)
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        if missing:
            place = prepare(data)
        if "DATABASE_URL" in missing:
            from shelfwise.devservers.postgres import running_postgres

            started = running_postgres(place, throwaway=throwaway)
            urls["DATABASE_URL"] = stack.enter_context(started)
        if "REDIS_URL" in missing:
            from shelfwise.devservers.valkey import running_valkey

            urls["REDIS_URL"] = stack.enter_context(running_valkey(place))
        stack.enter_context(_defaults(urls))
        yield urls


def _kept_secrets(folder: DataFolder) -> dict[str, str]:
    return {name: folder.secret(name) for name in _unset(_SECRETS)}


def _unset(names: Sequence[str]) -> set[str]:
    return {name for name in names if not os.environ.get(name, "").strip()}


@contextmanager
def _defaults(values: Mapping[str, str]) -> Iterator[None]:
    """Sets what is unset, inside the block."""
    with _changed({name: values[name] for name in _unset(tuple(values))}):
        yield


@contextmanager
def _changed(values: Mapping[str, str]) -> Iterator[None]:
    """Sets them, inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _refuse_taken(number: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            raise StartError(f"port {number} can't be used ({error.strerror}). Set PORT.") from None
