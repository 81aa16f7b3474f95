"""Which URLs may be called. Tenants name the targets of their webhooks: none may lead to a machine
that only this one can reach.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

from shelfwise.hosts import is_address, is_address_to_resolvers, is_name
from shelfwise.http.answers import RefusedTarget

_VISIBLE_ASCII = re.compile(r"[!-~]{1,8000}")
_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024

_IPV6_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (  # beside what `ipaddress` knows, which depends on Python's version
    IPv4Network("192.0.0.0/24"),  # for protocols; a cloud's metadata among them
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2001::/32"),  # Teredo and 6to4: an IPv4 address within,
    IPv6Network("2002::/16"),  # which a gateway may send it to
    IPv6Network("3fff::/20"),  # for documentation (RFC 9637)
)
_AZURES_OWN = IPv4Address("168.63.129.16")
"""Public by its number, and there the host's service to the machine that asks."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once, so that what is checked is what is called. `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        return self._bracketed if self.port == _PORTS[self.scheme] else self.place

    @property
    def place(self) -> str:
        """`host:port`, as PRIVATE_TARGETS has it."""
        return f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `label` is whom it is counted for."""

    method: str
    target: Target
    headers: Mapping[str, str]
    content: bytes
    label: str


def may_be_private(host: str, port: int) -> bool:
    """Whether the operator lets tenants' calls go there wherever it is (PRIVATE_TARGETS)."""
    return Target("https", host, port, "/").place in settings.PRIVATE_TARGETS


def read_target(url: str) -> Target:
    """Raises RefusedTarget for what is no plain http(s) URL of visible ASCII characters."""
    if not _VISIBLE_ASCII.fullmatch(url) or "\\" in url:
        raise RefusedTarget("", "the URL has characters that no URL has, or too many")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RefusedTarget("", "the URL can't be read") from None
    if parts.scheme not in _PORTS:
        raise RefusedTarget(host, "the URL is neither https nor http")
    if "@" in parts.netloc:
        raise RefusedTarget(host, "the URL holds credentials")
    if port == 0:
        raise RefusedTarget(host, "0 is no port")
    if "[" in parts.netloc and ":" not in host:  # brackets are for IPv6
        raise RefusedTarget(host, "the host is neither a name nor an address")
    _check_host(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def _check_host(host: str) -> None:
    if is_address(host):
        return
    if not is_name(host):
        raise RefusedTarget(host[:253], "the host is neither a name nor an address")
    if is_address_to_resolvers(host):
        raise RefusedTarget(host, "the host is an address in a spelling that is not read")


def check_public(target: Target) -> None:
    """What of a tenant's target can be told without looking its name up. Raises RefusedTarget."""
    if may_be_private(target.host, target.port):
        return
    if target.scheme != "https":
        raise RefusedTarget(target.host, "only https is called")
    if target.port < _FIRST_FREE_PORT and target.port != _PORTS["https"]:
        raise RefusedTarget(target.host, "the port belongs to another service")
    if is_address(target.host) and not is_public(target.host):
        raise RefusedTarget(target.host, "the address is not public")


def is_public(address: str) -> bool:
    """Whether anybody on the internet could reach this address too."""
    ip = _really(ip_address(address))
    if isinstance(ip, IPv6Address) and ip not in _IPV6_UNICAST:
        return False
    if ip.is_multicast or ip == _AZURES_OWN:
        return False
    return ip.is_global and not any(ip in network for network in _NOT_PUBLIC)


def _really(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Where a mapped address, or one that a NAT64 gateway translates, leads."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip
