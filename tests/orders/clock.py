"""The dashboard's clock, stopped: it tells the time, so no two of its answers would be the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unittest import mock


def dashboard_at(now: datetime) -> mock._patch[Any]:
    """Inside, the dashboard is as of then."""
    return mock.patch("orders.dashboard.timezone", mock.Mock(now=lambda: now))
