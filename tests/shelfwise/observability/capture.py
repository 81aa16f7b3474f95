"""What the log would hold."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import orjson

from shelfwise.observability.logs import JsonFormatter


@contextmanager
def logged_lines() -> Iterator[list[dict[str, Any]]]:
    """The lines of the block, filled in at its end. Fails on one that is no JSON object."""
    lines: list[dict[str, Any]] = []
    stream, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    before = root.handlers, root.level
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
    lines += [orjson.loads(line) for line in stream.getvalue().splitlines()]
