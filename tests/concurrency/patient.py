"""The service's own worker with more patience for its cache, so that a machine which is busy with
other tests is not taken for a cache that is ill.
"""

from typing import Any

from shelfwise.worker import Worker

PATIENCE = 5.0


class PatientWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from django.conf import settings

        from shelfwise.cache import deadlines, store

        caches: Any = settings.CACHES
        caches["default"]["OPTIONS"]["SOCKET_TIMEOUT"] = PATIENCE
        deadlines.LONGEST_ANSWER_SECONDS = PATIENCE
        store.SLOW_SECONDS = PATIENCE
