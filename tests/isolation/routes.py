"""What the service holds: routes, methods, parameters, fields. Nothing of it is typed by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.urls import URLPattern, URLResolver
from rest_framework.serializers import Serializer

from tests.isolation.shop import Shop

Door = tuple[str, str]
"""A method, and a route as the URL conf writes it."""
Fields = Mapping[Door, Mapping[str, set[str]]]
"""What each door's bodies may hold: by the serializer's name, those of its fields that are read."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
_KNOWN = re.compile(r"Known: ([\w, ]+)\.")
_THINGS = {
    "books": "book",
    "authors": "author",
    "publishers": "publisher",
    "categories": "category",
    "orders": "order",
    "api-keys": "api_key",
    "webhooks": "endpoint",
}


def patterns_under(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Each route with its pattern."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns_under(entry, route)
        else:
            yield route, entry


def doors_of(route: str, pattern: URLPattern) -> set[Door]:
    """What the view at this route takes. Of a plain function it can't be told: everything."""
    made_of = pattern.callback
    view: Any = getattr(made_of, "view_class", None) or getattr(made_of, "cls", None)
    if view is None:
        return {(method, route) for method in METHODS}
    handled = {name.upper() for name in view.http_method_names if hasattr(view, name)}
    return {(method, route) for method in handled | ({"HEAD"} if "GET" in handled else set())}


def places_of(route: str) -> list[str]:
    """What varies in a route."""
    return _CONVERTER.findall(route)


def path_to(route: str, shop: Shop) -> str:
    """Where the route shows this shop's own: its first word names the thing."""
    thing = _THINGS.get(route.removeprefix("api/v2/").partition("/")[0], "book")

    def name(found: re.Match[str]) -> str:
        others = {"isbn": "isbn", "delivery_id": "delivery"}
        text: str = getattr(shop, others.get(found[1], thing))
        return text

    query = "?q=chronicle" if route.endswith(("/search", "/suggest")) else ""
    return "/" + _CONVERTER.sub(name, route) + query


def known_in(problem: Any, code: str, place: str) -> list[str]:
    """What the service names as known where it was given something unknown."""
    for fault in problem["errors"]:
        told = _KNOWN.search(fault["detail"])
        if (fault.get("parameter"), fault["code"]) == (place, code) and told:
            return [] if told[1] == "none" else told[1].split(", ")
    raise AssertionError(f"{place} is not refused as {code}: {problem}")


class Watch:
    """Which serializers read the bodies of each door; `door` is the one that is asked now."""

    def __init__(self) -> None:
        self.door: Door = ("", "")
        self.seen: dict[Door, dict[str, set[str]]] = defaultdict(dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, each serializer that reads something is noted."""
        run_validation = Serializer.run_validation

        def noted(serializer: Serializer[Any], *args: Any, **kwargs: Any) -> Any:
            read = {name for name, each in serializer.fields.items() if not each.read_only}
            self.seen[self.door][type(serializer).__name__] = read
            return run_validation(serializer, *args, **kwargs)

        with patch.object(Serializer, "run_validation", noted):
            yield
