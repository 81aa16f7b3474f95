"""Logging: one JSON line an event, with the request's id in every line."""

import json
from typing import Any

import orjson
import structlog


def _to_json(event: Any, **_options: Any) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a lone surrogate of a file's name, a number of 65 bits: no line is lost
        text = json.dumps(event, default=str, skipkeys=True, ensure_ascii=False)
        return text.encode(errors="replace").decode()


def logging_config(level: str) -> dict[str, Any]:
    """A `dictConfig`; what Django and libraries log by `logging` goes the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(serializer=_to_json),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gives these two handlers of their own, which write plain text, and the first a
            # level, which would count in the place of LOG_LEVEL.
            "django": {"handlers": [], "level": "NOTSET"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # Each 4xx is in the request's own line already.
            "django.request": {"level": "ERROR"},
        },
    }
