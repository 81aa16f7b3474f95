"""The service's own worker with a cache without generations: what is kept counts until it is old.

The control of `test_stale_reads`, which must find it out.
"""

from shelfwise.cache.entries import Entry
from shelfwise.worker import Worker


class ForgetfulWorker(Worker):
    def init_process(self) -> None:
        setattr(Entry, "counts_for", lambda entry, generations: True)  # noqa: B010 - not for mypy
        super().init_process()
