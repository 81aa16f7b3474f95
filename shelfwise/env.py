"""The environment, read once and typed. A missing or contradictory value stops the start."""

import os
import re
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from shelfwise.hosts import is_address, is_address_to_resolvers, is_name

WEB_THREADS = 4
"""Threads of one gunicorn worker; the connection pool is sized from it."""

JOB_SLOTS = {"payments": 4, "shipping": 3, "webhooks": 6, "housekeeping": 1}
"""How many jobs of each queue one job worker runs at once; its pool is sized from them. Each queue
has slots of its own: a partner that hangs holds up no other's.
"""

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_MIN_KEY_BYTES = 32
_LOCAL_HOSTS = "127.0.0.1,localhost,[::1]"
_RATE_LIMIT = 1200
_MOST_RATE_LIMIT = 999_999_999
_IPV6 = re.compile(r"\[([0-9a-f:.]+)\]")
_URL = re.compile(r"[!-\[\]-~]+")
"""Visible ASCII without the backslash: what else is in one, the outbound client does not call."""
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class BadEnvironment(Exception):
    """A variable that is missing or makes no sense. The text names it and the mend, in one line."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Where a partner's API is, the key to it, and what its webhooks are signed with. All of them
    or none: without a partner each is empty.
    """

    url: str = ""
    key: str = ""
    webhook_secret: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was told. `web` is true in a process that answers HTTP, `worker` in one that
    runs jobs.
    """

    debug: bool
    https: bool
    web: bool
    worker: bool
    database: dict[str, Any]
    redis_url: str
    secret_key: str
    jwt_signing_keys: tuple[str, ...]
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    rate_limit: int
    log_level: str
    metrics_token: str
    metrics_port: int | None
    payment: Partner
    shipping: Partner
    isbn_url: str
    outbound_ca_file: str
    private_targets: tuple[str, ...]


def read(environ: Mapping[str, str] = os.environ) -> Environment:
    """Raises BadEnvironment at the first variable that is missing or wrong."""
    debug = _flag(environ, "DEBUG", default=False)
    return Environment(
        debug=debug,
        https=_flag(environ, "HTTPS", default=True),
        web=environ.get("SHELFWISE_PROCESS") == "web",
        worker=environ.get("SHELFWISE_PROCESS") == "worker",
        database=_database(_required(environ, "DATABASE_URL", "postgresql://user@host/name")),
        redis_url=_redis_url(_required(environ, "REDIS_URL", "redis://host:6379/0")),
        secret_key=_key("SECRET_KEY", _required(environ, "SECRET_KEY", "50 random characters")),
        jwt_signing_keys=_signing_keys(environ),
        allowed_hosts=_allowed_hosts(environ, debug=debug),
        csrf_trusted_origins=_origins(environ),
        rate_limit=_rate_limit(environ),
        log_level=_log_level(environ),
        metrics_token=_metrics_token(environ),
        metrics_port=_metrics_port(environ),
        payment=_partner(environ, "PAYMENT"),
        shipping=_partner(environ, "SHIPPING"),
        isbn_url=_url(environ, "ISBN_URL"),
        outbound_ca_file=_ca_file(environ),
        private_targets=_private_targets(environ),
    )


def _required(environ: Mapping[str, str], name: str, example: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise _not_set(name, example)
    return value


def _not_set(name: str, example: str) -> BadEnvironment:
    return BadEnvironment(
        f"{name} is not set. Set it (for example to {example}), "
        "or start everything with `make demo`."
    )


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environ.get(name, "").strip()
    if not value:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise BadEnvironment(f"{name} is {value!r}. Set it to 1 or 0.")


def _items(environ: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in environ.get(name, "").split(",") if item.strip()]


def _key(name: str, value: str) -> str:
    if len(value.encode()) < _MIN_KEY_BYTES:
        raise BadEnvironment(
            f"{name} holds a key shorter than {_MIN_KEY_BYTES} bytes. "
            "Make one with `openssl rand -hex 32`."
        )
    return value


def _signing_keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    keys = tuple(_key("JWT_SIGNING_KEYS", key) for key in _items(environ, "JWT_SIGNING_KEYS"))
    if not keys:
        raise _not_set("JWT_SIGNING_KEYS", "the output of `openssl rand -hex 32`")
    if len(set(keys)) < len(keys):
        raise BadEnvironment("JWT_SIGNING_KEYS names a key twice. Leave one of them.")
    if environ["SECRET_KEY"].strip() in keys:
        raise BadEnvironment("JWT_SIGNING_KEYS holds SECRET_KEY. Make a key of its own.")
    return keys


def _allowed_hosts(environ: Mapping[str, str], *, debug: bool) -> list[str]:
    if debug:
        return _items(environ, "ALLOWED_HOSTS") or _LOCAL_HOSTS.split(",")
    hosts = _items(environ, "ALLOWED_HOSTS")
    if not hosts:
        raise _not_set("ALLOWED_HOSTS", "api.example.com")
    if "*" in hosts:
        raise BadEnvironment(
            "ALLOWED_HOSTS is '*' with DEBUG off. Name the hosts that this service answers as."
        )
    return hosts


def _origins(environ: Mapping[str, str]) -> list[str]:
    origins = _items(environ, "CSRF_TRUSTED_ORIGINS")
    for origin in origins:
        if not origin.startswith(("https://", "http://")):
            raise BadEnvironment(
                f"CSRF_TRUSTED_ORIGINS holds {origin!r}. Write it with its scheme: https://{origin}."
            )
    return origins


def _rate_limit(environ: Mapping[str, str]) -> int:
    text = environ.get("RATE_LIMIT", "").strip() or str(_RATE_LIMIT)
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MOST_RATE_LIMIT))):
        raise BadEnvironment(
            f"RATE_LIMIT is {text!r}. Set it to the requests a minute that each token may make, "
            f"up to {_MOST_RATE_LIMIT}, or to 0 for no limit."
        )
    return int(text)


def _log_level(environ: Mapping[str, str]) -> str:
    level = environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in _LOG_LEVELS:
        raise BadEnvironment(f"LOG_LEVEL is {level!r}. Set it to one of {', '.join(_LOG_LEVELS)}.")
    return level


def _metrics_token(environ: Mapping[str, str]) -> str:
    token = environ.get("METRICS_TOKEN", "").strip()
    return _key("METRICS_TOKEN", token) if token else ""


def _metrics_port(environ: Mapping[str, str]) -> int | None:
    text = environ.get("METRICS_PORT", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65_536):
        raise BadEnvironment(f"METRICS_PORT is {text!r}. Set it to a port, 1 to 65535.")
    if not environ.get("METRICS_TOKEN", "").strip():
        raise BadEnvironment(
            "METRICS_PORT is set, but METRICS_TOKEN is not. Set both: without a token nobody is "
            "answered."
        )
    return int(text)


def _partner(environ: Mapping[str, str], name: str) -> Partner:
    names = [f"{name}_URL", f"{name}_KEY", f"{name}_WEBHOOK_SECRET"]
    unset = [each for each in names if not environ.get(each, "").strip()]
    if len(unset) == len(names):
        return Partner()
    if unset:
        raise BadEnvironment(
            f"{unset[0]} is not set, but others of {', '.join(names)} are. Set all of them or none."
        )
    url, key, secret = _url(environ, names[0]), *(environ[each].strip() for each in names[1:])
    if not (key.isascii() and key.isprintable()):
        raise BadEnvironment(
            f"{names[1]} can't stand in a header. Copy it as the partner shows it."
        )
    return Partner(url, key, _webhook_secret(names[2], secret))


def _webhook_secret(name: str, value: str) -> str:
    """As Standard Webhooks writes it: `whsec_` and 24 to 64 bytes in base64."""
    try:
        prefix, encoded = value[:6], b64decode(value[6:], validate=True)
    except ValueError:
        prefix, encoded = "", b""
    if prefix != "whsec_" or not 24 <= len(encoded) <= 64:
        raise BadEnvironment(
            f"{name} is no secret of Standard Webhooks. Copy it as the partner shows it: whsec_ and"
            " 24 to 64 bytes in base64."
        )
    return value


def _url(environ: Mapping[str, str], name: str) -> str:
    """Without a slash at its end; '' when it is not set. What goes there goes encrypted, but to the
    targets that may be private.
    """
    text = environ.get(name, "").strip().rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, port = parts.netloc.lower().removesuffix(f":{parts.port}"), parts.port
    except ValueError:
        host, port = "", None
    is_whole = _URL.fullmatch(text) and _is_host(host) and port != 0
    if not is_whole or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise BadEnvironment(
            f"{name} can't be used. Write it as https://host/path, without a query or credentials."
        )
    if parts.scheme == "http":
        place = f"{host}:{port or 80}"
        if place not in _private_targets(environ):
            raise BadEnvironment(
                f"{name} is not encrypted. Write https, or name {place} in PRIVATE_TARGETS."
            )
    return text


def _is_host(host: str) -> bool:
    """A name or an address, as the outbound client writes them."""
    if within := _IPV6.fullmatch(host):
        return ":" in host and is_address(within[1])
    if ":" in host:
        return False
    return is_address(host) or (is_name(host) and not is_address_to_resolvers(host))


def _ca_file(environ: Mapping[str, str]) -> str:
    path = environ.get("OUTBOUND_CA_FILE", "").strip()
    try:
        if path:
            ssl.create_default_context().load_verify_locations(path)
    except OSError:  # of ssl's too
        raise BadEnvironment(
            "OUTBOUND_CA_FILE can't be read. Name a file of certificates in PEM."
        ) from None
    return path


def _private_targets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Each as `host:port`."""
    targets = tuple(target.lower() for target in _items(environ, "PRIVATE_TARGETS"))
    for target in targets:
        host, _, port = target.rpartition(":")
        is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        if not (_is_host(host) and is_port and not port.startswith("0")):
            raise BadEnvironment(
                f"PRIVATE_TARGETS holds {target!r}. Write each as host:port, with commas between."
            )
    return targets


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise BadEnvironment(
            f"REDIS_URL starts with {url.split(':')[0]!r}. Write redis://, rediss:// or unix://."
        )
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:  # its text may hold a part of the password
        raise BadEnvironment(
            "REDIS_URL can't be read. Write it as redis://user:password@host:6379/0."
        ) from None
    return url


def _database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry, without the pool and the limits that settings add."""
    mend = "Write it as postgresql://user:password@host:5432/name."
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadEnvironment(f"DATABASE_URL is not a PostgreSQL URL. {mend}")
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(url))
    except ProgrammingError:
        raise BadEnvironment(f"DATABASE_URL can't be read. {mend}") from None
    ports = parts.get("port", "").split(",")
    if any(port and not (port.isdecimal() and int(port) < 65536) for port in ports):
        raise BadEnvironment(f"DATABASE_URL names no port by a number. {mend}")
    if not parts.get("dbname"):
        raise BadEnvironment(f"DATABASE_URL names no database. {mend}")
    return {
        "ENGINE": "shelfwise.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": parts,
    }
