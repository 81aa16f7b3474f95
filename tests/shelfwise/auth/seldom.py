"""The service's own worker, which writes what it has noted only when it ends: a busy machine may
take longer over a test than the usual ten seconds.
"""

from shelfwise.worker import Worker


class SeldomWorker(Worker):
    def load_wsgi(self) -> None:
        super().load_wsgi()
        from shelfwise.auth import revocation

        revocation.RENEW_EVERY_SECONDS = 3600.0
