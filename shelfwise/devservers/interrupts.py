"""Ctrl-C, SIGTERM and SIGHUP end this process in one way: by an exception that unwinds it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """Somebody asked this process to stop. A test runner lets a KeyboardInterrupt through."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class _State:
    holds = 0
    pending: int | None = None


@contextmanager
def exit_when_stopped() -> Iterator[None]:
    """Signals raise `Stopped` inside; outside, the process exits with status 128 + signal.

    `nohup` stays in force: a SIGHUP that was ignored before is ignored inside.
    """
    owner = os.getpid()

    def stop(signum: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked test worker, which the pool ends by SIGTERM
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        elif _State.holds:
            _State.pending = signum
        else:
            raise Stopped(signum)

    previous = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    if previous[signal.SIGHUP] is signal.SIG_IGN:
        del previous[signal.SIGHUP]
    try:
        for signum in previous:
            signal.signal(signum, stop)
        yield
    except Stopped as stopped:
        sys.exit(128 + stopped.signum)
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


@contextmanager
def held() -> Iterator[None]:
    """Keeps `Stopped` back until the end of the block, so that the block is never cut in half."""
    _State.holds += 1
    try:
        yield
    finally:
        _State.holds -= 1
    if _State.pending is not None and not _State.holds:
        signum, _State.pending = _State.pending, None
        raise Stopped(signum)
