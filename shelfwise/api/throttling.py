"""How often one may ask: per token and per tenant, and per name and address at the login.

With the cache away nobody is counted and everybody is let in: a catalogue that answers slowly for
want of a cache is better than one that answers nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import ip_address, ip_network
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import Counter
from rest_framework.exceptions import AuthenticationFailed, Throttled

from shelfwise.api.errors import unavailable
from shelfwise.auth.authentication import principal_of
from shelfwise.auth.principal import Principal
from shelfwise.cache import limits
from shelfwise.cache.keys import requests_key, tries_key
from shelfwise.cache.limits import Count, Limit, give_back, take
from shelfwise.cache.store import CacheAway
from shelfwise.cache.views import look_of

TENANT_SHARE = 10
"""So many times what one token may ask, all tokens of a tenant may together."""
MOST_FAILURES_OF_A_NAME = 10
MOST_FAILURES_OF_AN_ADDRESS = 60

_API = "/api/"
_OPEN = ("/api/v2/auth/", "/api/v2/schema", "/api/v2/docs")
"""What needs no token is not counted by one."""
_COUNT = "shelfwise.count"

REFUSED = Counter(
    "shelfwise_requests_refused", "Requests answered 429, by the limit that was used up", ["limit"]
)
UNCOUNTED = Counter(
    "shelfwise_requests_uncounted", "Requests let in uncounted because the cache was away"
)


class ThrottleMiddleware:
    """Refuses what is too much, and tells everybody where they stand.

    It stands before the middleware of kept answers, and asks for the kept answer in the round trip
    in which it counts.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            is_in = let_in(request)
        except (OperationalError, InterfaceError) as error:  # who is out can't be known
            return unavailable(error)
        response = self.get_response(request) if is_in else _refusal(request)
        for name, text in standing_headers(request):
            response[name] = text
        return response


def let_in(request: HttpRequest) -> bool:
    """Counts the request, once however many ask; whether it is within its limits.

    Raises OperationalError when nobody can know whether its token is revoked.
    """
    if _COUNT not in request.META:
        principal = principal_of(request) if _is_limited(request.path) else None
        request.META[_COUNT] = _count(request, principal) if principal else None
    count: Count | None = request.META[_COUNT]
    return count is None or count.admitted


def _is_limited(path: str) -> bool:
    return settings.RATE_LIMIT > 0 and path.startswith(_API) and not path.startswith(_OPEN)


def _count(request: HttpRequest, principal: Principal) -> Count | None:
    look = look_of(request)
    counted = _limits_of(principal.tenant_id, principal.login, settings.RATE_LIMIT)
    count = _take(counted, reading=look.keys if look else ())
    if count and look:
        look.read(count.values)
    return count


@lru_cache(maxsize=2048)
def _limits_of(tenant: UUID, login: str, most: int) -> tuple[Limit, ...]:
    return (
        Limit("token", requests_key(tenant, login), most),
        Limit("tenant", requests_key(tenant, "all"), most * TENANT_SHARE),
    )


def _take(counted: Sequence[Limit], *, reading: Sequence[str] = ()) -> Count | None:
    """None when nobody can count."""
    try:
        count = take(counted, reading=reading)
    except CacheAway:
        UNCOUNTED.inc()
        return None
    if not count.admitted:
        for standing in count.standings:
            if not standing.left:
                REFUSED.labels(standing.limit.name).inc()
    return count


def _refusal(request: HttpRequest) -> HttpResponseBase:
    """The middleware of problems writes its body."""
    headers = {
        "Retry-After": str(request.META[_COUNT].wait),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Encoding",
    }
    return HttpResponse(status=429, headers=headers)


def standing_headers(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The limits, and what is left of each: none where the request was not counted.

    As draft-ietf-httpapi-ratelimit-headers-11 has them.
    """
    count: Count | None = request.META.get(_COUNT)
    if count:
        window = limits.WINDOW_SECONDS
        policies = [
            f'"{each.limit.name}";q={each.limit.most};w={window}' for each in count.standings
        ]
        standings = [
            f'"{each.limit.name}";r={each.left};t={each.seconds}' for each in count.standings
        ]
        yield "RateLimit-Policy", ", ".join(policies)
        yield "RateLimit", ", ".join(standings)


@contextmanager
def counted_try(request: HttpRequest, *, username: str | None) -> Iterator[None]:
    """Around a login or a refresh. Raises Throttled before it looks at any password.

    A try is counted when it begins, so that many at once are not let in; only failures stay
    counted. The address is the one that connects: of a proxy, if one is in front.
    """
    counted = _limits_of_tries(request, username) if settings.RATE_LIMIT else []
    count = request.META[_COUNT] = _take(counted) if counted else None
    if count is not None and not count.admitted:
        raise Throttled(wait=count.wait)
    has_failed = False
    try:
        yield
    except AuthenticationFailed:
        has_failed = True
        raise
    finally:
        if count is not None and not has_failed:
            _give_back(counted)
            request.META[_COUNT] = None  # what it tells is no longer so


def _limits_of_tries(request: HttpRequest, username: str | None) -> list[Limit]:
    address = _network_of(request.META["REMOTE_ADDR"])
    found = [Limit("address", tries_key("address", address), MOST_FAILURES_OF_AN_ADDRESS)]
    if username is not None:
        found.append(Limit("username", tries_key("username", username), MOST_FAILURES_OF_A_NAME))
    return found


def _network_of(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them: these count as one."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:  # a unix socket's client has none
        return address
    if ip.version == 4 or ip.ipv4_mapped:
        return str(ip)
    return str(ip_network((int(ip), 64), strict=False))


def _give_back(counted: Sequence[Limit]) -> None:
    try:
        give_back(counted)
    except CacheAway:
        return  # the window ends soon
