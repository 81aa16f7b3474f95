"""Embedded PostgreSQL and Valkey for `demo`, `dev` and the tests. Never used in production.

`manage.py` enters `environment_for` before Django reads its settings. With DATABASE_URL and
REDIS_URL set it loads nothing beyond the standard library and starts nothing.
"""

from shelfwise.devservers.environment import environment_for, throwaway_environment

__all__ = ["environment_for", "throwaway_environment"]
