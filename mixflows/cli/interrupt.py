"""Ctrl-C, SIGTERM and SIGHUP: the command stops, says so in one sentence, and ends with 130."""

import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a command that was stopped: 128 and SIGINT's number, whatever the signal."""
SOON = 0.05
"""Seconds."""
STOPPING = "stopping when the days in flight have ended; once more stops at once\n"
STOPPED = "stopped: what is done stays done; run the same command to go on\n"


@contextmanager
def stoppable() -> Generator[None]:
    """Lets signals stop what runs inside: the first one by a KeyboardInterrupt, a second one at once.

    A day that is cut off is one that was killed: its transaction never happened. After the block the signals have their
    default effect, so that one of them also ends a process that waits for its threads. A signal that is ignored, as
    under `nohup`, is left ignored. A signal that came while Python ran a finalizer or a callback, where exceptions go
    nowhere, is sent again.

    Raises:
        KeyboardInterrupt: After a signal, whatever became of it inside: Prefect may end a flow's run in its place.
    """
    stopping: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))  # Windows has no SIGHUP
    signals = [number for number in names if signal.getsignal(number) is not signal.SIG_IGN]

    def by_default() -> None:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        by_default()
        stopping.append(number)
        if sys.stderr.isatty():
            os.write(
                sys.stderr.fileno(), STOPPING.encode()
            )  # the signal may have come in the middle of a buffered write
        raise KeyboardInterrupt

    def send_again(lost: "sys.UnraisableHookArgs") -> None:
        if not stopping or lost.exc_type is not KeyboardInterrupt:
            others(lost)
            return
        signal.signal(stopping[0], stop)
        threading.Timer(SOON, os.kill, (os.getpid(), stopping[0])).start()

    others, sys.unraisablehook = sys.unraisablehook, send_again
    for number in signals:
        signal.signal(number, stop)
    try:
        yield
    except BaseException:
        if not stopping:
            raise
    finally:
        by_default()
        sys.unraisablehook = others
    if stopping:
        raise KeyboardInterrupt


def leave_signals_to_prefect() -> None:
    """Gives the signals their defaults again: a process that serves flows pauses their schedules before it ends.

    asyncio cancels what runs on Ctrl-C, and waits for it, only where Python's own handler is in place.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
