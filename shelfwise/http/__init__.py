"""The one outbound client. Whatever ShelfWise asks of others goes through here, with limits."""

from shelfwise.http.answers import (
    Answer,
    BadAnswer,
    NotSent,
    OutboundError,
    RefusedTarget,
    Unclear,
)
from shelfwise.http.client import close
from shelfwise.http.sending import check_target, interactive, send

__all__ = [
    "Answer",
    "BadAnswer",
    "NotSent",
    "OutboundError",
    "RefusedTarget",
    "Unclear",
    "check_target",
    "close",
    "interactive",
    "send",
]
