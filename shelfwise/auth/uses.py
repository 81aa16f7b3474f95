"""When each API key was last used: noted in memory, written beside the requests."""

import threading
import time
from datetime import UTC, datetime

from django.db import Error, connection

# Several processes write at once: each takes the rows in the order of their ids, so that none waits
# in a ring, and what another has just written is near enough.
_WRITE = """
WITH seen AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS seen (id, at)
), held AS (
    SELECT key.id FROM tenancy_apikey key JOIN seen ON seen.id = key.id
    WHERE key.last_used_at IS NULL OR key.last_used_at < seen.at - interval '20 seconds'
    ORDER BY key.id FOR NO KEY UPDATE OF key
)
UPDATE tenancy_apikey key SET last_used_at = greatest(key.last_used_at, seen.at)
FROM held JOIN seen ON seen.id = held.id WHERE key.id = held.id
"""


class Uses:
    """The last use of each key that this process has not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, float] = {}

    def note(self, key_id: str) -> None:
        """The key of this id is used now."""
        now = time.time()
        with self._lock:
            self._latest[key_id] = now

    def write(self) -> None:
        """Writes them down, to within 20 s: one query, none if there are none.

        Raises Error; then they are written the next time.
        """
        with self._lock:
            latest, self._latest = self._latest, {}
        if not latest:
            return
        times = [datetime.fromtimestamp(seconds, UTC) for seconds in latest.values()]
        try:
            with connection.cursor() as cursor:
                cursor.execute(_WRITE, {"ids": list(latest), "times": times})
        except Error:
            with self._lock:
                self._latest = {**latest, **self._latest}
            raise


uses = Uses()
