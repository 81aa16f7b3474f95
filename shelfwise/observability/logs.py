"""Logging: one JSON line an event, with the request's id in every line."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

# Where in the code something was logged is in no line. Finding it out walks the stack each time.
logging._srcfile = None

current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request that is being answered."""

_SECRET = re.compile("(swk_[0-9a-f]{32}_)[0-9a-f]+")
"""Of an API key (`shelfwise.auth.keys`) that somebody put where none belongs: a path, a header that
can't be read. Whose it is stays.
"""

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """What is logged as one JSON object: event, level, logger, timestamp, and the `extra`.

    structlog's formatter was left aside: it takes twice as long, and each request has a line. An
    answer out of the cache costs 8 % more with it.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {name: it for name, it in vars(record).items() if name not in _OF_EVERY_RECORD}
        if request_id := current_request.get():
            line["request_id"] = request_id
        line["event"] = record.getMessage()
        line["level"], line["logger"] = record.levelname.lower(), record.name
        line["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = _to_json(line)
        return _SECRET.sub(r"\1…", text) if "swk_" in text else text


def _to_json(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a lone surrogate of a file's name, a number of 65 bits: no line is lost
        text = json.dumps(line, default=str, skipkeys=True, ensure_ascii=False)
        return text.encode(errors="replace").decode()


def logging_config(level: str) -> dict[str, Any]:
    """A `dictConfig`; what Django and libraries log goes the same way."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gives these two handlers of their own, which write plain text, and the first a
            # level, which would count in the place of LOG_LEVEL.
            "django": {"handlers": [], "level": "NOTSET"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # Each 4xx is in the request's own line already.
            "django.request": {"level": "ERROR"},
            # Its two long lines a job; `shelfwise.jobs` writes a short one. Failures stay.
            "procrastinate": {"level": "WARNING"},
        },
    }
