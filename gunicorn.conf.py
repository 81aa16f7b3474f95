"""How gunicorn serves ShelfWise. It binds to 0.0.0.0:PORT when PORT is set, its own default."""

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from shelfwise.env import WEB_THREADS

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def _cores() -> int:
    """The cores this process may use, which in a container can be fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(allowed or 1, _cores_of_quota(_QUOTA) or sys.maxsize)


def _cores_of_quota(path: Path) -> int | None:
    """What a container's share of time comes to: `200000 100000` is two cores. None: no limit."""
    try:
        share, period = path.read_text().split()
        return -(-int(share) // int(period))
    except (OSError, ValueError):  # no such file, or `max`
        return None


worker_class = "shelfwise.worker.Worker"  # gthread, with time limits for clients
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, _cores()))
threads = WEB_THREADS
# A fork after a query would share the database's sockets between workers, and so between tenants.
preload_app = False

# Longer than the pauses of a client that keeps its connection; an idle one holds no thread.
keepalive = 30
# With gthread this bounds a stuck worker, not a request: the statement timeouts do that.
timeout = 30
graceful_timeout = 25
# Leaked memory goes with its worker; the jitter keeps workers from leaving at once.
max_requests = 10_000
max_requests_jitter = 1_000
# The workers' heartbeat files: on a disk, a slow write would look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

limit_request_line = 8190
# Connections of one worker, idle ones too: below the 1,024 files that many systems allow a process.
worker_connections = 500
# Django alone decides whether a proxy's word counts (HTTPS); no header moves the application.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
accesslog = None  # the application logs requests itself, with tenant and request id
# It would be opened in the user's home, where two servers collide.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Each worker counts into files of its own, in memory; /metrics adds them up."""
    folder = tempfile.mkdtemp(prefix="shelfwise-metrics-", dir=worker_tmp_dir)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def child_exit(server: Any, worker: Any) -> None:
    """What a worker counted stays; what it is just now goes with it."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def worker_exit(server: Any, worker: Any) -> None:
    """What a worker has noted is not lost with it: which API keys were used. Then it lets go of
    the connections to whom it called.
    """
    from shelfwise import http
    from shelfwise.auth.revocation import write_uses

    write_uses()
    http.close()


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Each worker learns of revoked tokens in a thread of its own."""
    from shelfwise.auth.revocation import start_refreshing

    start_refreshing()
    # What is loaded by now stays for the worker's life: the garbage collector need not walk it.
    gc.freeze()
