"""Serving kept answers: which views have them, and the middleware that finds and makes them."""

import gzip
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from rest_framework.utils.mediatypes import media_type_matches

from shelfwise.api.conditional import KEPT, answer_condition, names
from shelfwise.api.errors import BadParameters
from shelfwise.api.parameters import split_query
from shelfwise.auth.authentication import principal_of
from shelfwise.cache import counters
from shelfwise.cache.building import one_maker
from shelfwise.cache.entries import Entry, from_bytes, to_bytes
from shelfwise.cache.generations import are_sound, begin, debts
from shelfwise.cache.keys import Shown, entry_key, generation_key
from shelfwise.cache.store import CacheAway, ask, values_of

_LEAST_WORTH_ZIPPING = 500
"""Bytes. What is shorter fits a packet as it is."""
_LARGEST = 1024 * 1024
_LOOK = "shelfwise.look"
_GZIP = re.compile(r"(^|,)\s*gzip\s*(,|$|;\s*q=(1|0\.\d*[1-9]))", re.IGNORECASE)
_LONGEST_REMEMBERED = 1000
"""Characters of a URL: longer ones are read anew each time, so that memory stays small."""
_MOST_MEDIA_TYPES = 64
"""DRF reads no more of an `Accept` either."""
_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Accept-Encoding",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
}


@dataclass(frozen=True)
class Cached:
    """How a view's answers to GET are kept: until anything of what is `shown` changes.

    `unless` tells from the texts of the parameters what is not kept. `defaults` are parameters that
    say nothing where they have this value. What ages by itself is kept for so many `seconds` at the
    most; None: as long as the settings say.
    """

    shown: tuple[Shown, ...] = (Shown.CATALOG,)
    unless: Callable[[Mapping[str, str]], bool] = lambda texts: False
    defaults: frozenset[tuple[str, str]] = frozenset()
    seconds: int | None = None


@dataclass(frozen=True)
class _Question:
    """What is asked, of whatever tenant: the same for each way to say it."""

    shown: tuple[Shown, ...]
    text: str
    zipped: bool
    allow: str
    """The methods of the path, as every answer of DRF names them."""
    seconds: int | None = None


class CachedAnswerMiddleware:
    """Answers what is kept in one round trip, and keeps what is made.

    A hit goes no further: neither the scope, the sessions, CSRF and ETag middlewares nor DRF's
    dispatch run. Whoever asks has been authenticated by then, and everybody with a token may read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        look = look_of(request)
        if look is None:
            return self.get_response(request)
        if debts.open or _asks_past(request):
            return self._bypass(request)
        try:
            if entry := look.first():
                return _answer(request, look, entry, "hit")
            look.begin()
        except CacheAway:
            return self._bypass(request)
        return self._make(request, look)

    def _make(self, request: HttpRequest, look: "Look") -> HttpResponseBase:
        with one_maker(look.entry, look.is_there) as is_ours:
            if not is_ours:
                assert look.found
                return _answer(request, look, look.found, "hit")
            condition = request.META.pop("HTTP_IF_NONE_MATCH", None)
            with counters.BUILD_SECONDS.time():
                response = self.get_response(request)
            if condition is not None:
                request.META["HTTP_IF_NONE_MATCH"] = condition
            if not _can_be_kept(response):
                return response
            entry = _entry_of(response, look)
            look.keep(entry)
        return _answer(request, look, entry, "miss")

    def _bypass(self, request: HttpRequest) -> HttpResponseBase:
        counters.BYPASSES.inc()
        response = self.get_response(request)
        response["X-Cache"] = "bypass"
        return response


class Look:
    """One tenant's question, and what the cache has of it."""

    def __init__(self, tenant: UUID, question: _Question) -> None:
        self.zipped, self.allow = question.zipped, question.allow
        self._longest = question.seconds
        self.keys = _keys_of(tenant, question)
        self.entry, *self._generation_keys = self.keys
        self._generations: list[bytes | None] = []
        self.found: Entry | None = None

    def first(self) -> Entry | None:
        """As `again`, where nobody has read the values of the keys with something else."""
        return self.found if self._generations else self.again()

    def again(self) -> Entry | None:
        """The kept answer, if it counts. One round trip. Raises CacheAway."""
        self.read(values_of(self.keys))
        return self.found

    def read(self, values: Sequence[bytes | None]) -> None:
        """Takes the values of the keys."""
        value, *self._generations = values
        entry = from_bytes(value)
        self.found = entry if entry and entry.counts_for(self._generations) else None

    def is_there(self) -> bool:
        try:
            return self.again() is not None
        except CacheAway:
            return False

    def begin(self) -> None:
        """Before the query: from now on each change is seen. Raises CacheAway."""
        if not are_sound(self._generations):
            self._generations = list(begin(self._generation_keys))

    @property
    def generations(self) -> tuple[bytes, ...]:
        return tuple(each for each in self._generations if each is not None)

    def keep(self, entry: Entry) -> None:
        """For about the time of the settings, so that not all of them end at once."""
        longest = settings.CACHED_ANSWER_SECONDS
        longest = min(longest, self._longest or longest)
        seconds = longest * random.uniform(0.9, 1.1)  # noqa: S311
        data = to_bytes(entry)
        if len(data) > _LARGEST:
            return
        try:
            ask(lambda client: client.set(self.entry, data, px=round(seconds * 1000)))
        except CacheAway:
            return


@lru_cache(maxsize=4096)
def _keys_of(tenant: UUID, question: _Question) -> tuple[str, ...]:
    generations = (generation_key(tenant, shown) for shown in question.shown)
    return entry_key(tenant, question.text), *generations


def look_of(request: HttpRequest) -> Look | None:
    """The one of this request, to whoever asks first: they may read its keys with their own.

    None for what is not kept, and for who may not see it; then the view answers, or refuses.
    """
    if _LOOK not in request.META:
        request.META[_LOOK] = _new_look(request) if settings.CACHED_ANSWER_SECONDS else None
    found: Look | None = request.META[_LOOK]
    return found


def _new_look(request: HttpRequest) -> Look | None:
    question = _question_of(request)
    try:
        principal = principal_of(request) if question else None
    except (OperationalError, InterfaceError):  # who is out can't be known: the view says so
        return None
    return Look(principal.tenant_id, question) if question and principal else None


def _asks_past(request: HttpRequest) -> bool:
    """Whether the client wants what the database says, whatever is kept.

    `max-age=0`, which a browser's reload sends, asks for what is not out of date: that is all we
    have.
    """
    return "no-cache" in request.META.get("HTTP_CACHE_CONTROL", "").lower()


def _question_of(request: HttpRequest) -> _Question | None:
    """None for what is not kept. HEAD asks what GET does; the server leaves the body away."""
    meta = request.META
    if request.method not in ("GET", "HEAD") or not request.path.startswith("/api/"):
        return None
    if not _takes_json(meta.get("HTTP_ACCEPT", "*/*")):
        return None
    try:
        place = f"{request.scheme}://{request.get_host()}"  # links name it
    except DisallowedHost:
        return None
    zipped = _takes_gzip(meta.get("HTTP_ACCEPT_ENCODING", ""))
    path, query = request.path, meta.get("QUERY_STRING", "")
    is_long = len(place) + len(path) + len(query) > _LONGEST_REMEMBERED
    read = _read_question.__wrapped__ if is_long else _read_question
    return read(path, query, place, zipped)


@lru_cache(maxsize=4096)
def _read_question(path: str, query: str, place: str, zipped: bool) -> _Question | None:
    try:
        view: Any = getattr(resolve(path).func, "cls", None)
        texts = split_query(query)
    except (Http404, BadParameters):
        return None
    cached: Cached | None = view.cached() if hasattr(view, "cached") else None
    if cached is None or cached.unless(texts):
        return None
    asked = sorted(pair for pair in texts.items() if pair not in cached.defaults)
    methods = (each for each in view.http_method_names if each == "head" or hasattr(view, each))
    allow = ", ".join(methods).upper()
    text = repr((zipped, place, path, asked))
    return _Question(cached.shown, text, zipped, allow, cached.seconds)


@lru_cache(maxsize=256)
def _takes_json(accepted: str) -> bool:
    """As DRF negotiates, which looks at no `q`."""
    media_types = [each.strip() for each in accepted.split(",")]
    given = [each for each in media_types if each][:_MOST_MEDIA_TYPES]
    return any(media_type_matches(_HEADERS["Content-Type"], each) for each in given)


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` names gzip. `*` does not: what is not zipped suits everybody."""
    return bool(_GZIP.search(accepted))


@dataclass(frozen=True, slots=True)
class Hit:
    """A kept answer as it goes over the wire."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def hit_of(request: Any) -> Hit | None:
    """The kept answer to a GET; None for whatever else it is, which the middleware sees to.

    `request` is like Django's: META, method, path, scheme, get_host.
    """
    look = look_of(request)
    if look is None or debts.open or _asks_past(request):
        return None
    try:
        entry = look.first()
    except CacheAway:
        return None
    if entry is None:
        return None
    counters.HITS.inc()
    headers = [("ETag", entry.etag), ("X-Cache", "hit"), *_HEADERS.items()]
    if names(request.META.get("HTTP_IF_NONE_MATCH", ""), entry.etag):
        kept = [header for header in headers if header[0] in KEPT]
        return Hit("304 Not Modified", kept, b"")
    if entry.encoding:
        headers.append(("Content-Encoding", entry.encoding))
    headers += [("Allow", look.allow), ("Content-Length", str(len(entry.body)))]
    return Hit("200 OK", headers, entry.body)


def _can_be_kept(response: HttpResponseBase) -> bool:
    return (
        isinstance(response, HttpResponse)
        and response.status_code == HTTPStatus.OK
        and response.get("Content-Type") == _HEADERS["Content-Type"]
        and "ETag" in response
    )


def _entry_of(response: HttpResponseBase, look: Look) -> Entry:
    assert isinstance(response, HttpResponse)
    body, etag = response.content, response["ETag"]
    if not look.zipped or len(body) < _LEAST_WORTH_ZIPPING:
        return Entry(look.generations, etag, "", body)
    # Another representation has another tag (RFC 9110, section 8.8.3.3).
    packed = gzip.compress(body, compresslevel=4, mtime=0)
    return Entry(look.generations, f'{etag[:-1]}-gzip"', "gzip", packed)


def _answer(request: HttpRequest, look: Look, entry: Entry, found: str) -> HttpResponseBase:
    (counters.HITS if found == "hit" else counters.MISSES).inc()
    response = HttpResponse(entry.body, headers=_HEADERS)
    response["ETag"], response["X-Cache"] = entry.etag, found
    response["Allow"] = look.allow
    if entry.encoding:
        response["Content-Encoding"] = entry.encoding
    response["Content-Length"] = str(len(entry.body))
    return answer_condition(request, response)
