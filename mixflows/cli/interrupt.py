"""Ctrl-C, SIGTERM and SIGHUP: the command stops, says so in one sentence, and ends with 130."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from types import FrameType

INTERRUPTED = 130
"""The exit code of a command that was stopped: 128 and SIGINT's number, whatever the signal."""
SOON = 0.05
"""Seconds."""
STOPPING = "stopping when the days in flight have ended; once more stops at once\n"
STOPPED = "stopped: what is done stays done; run the same command to go on\n"


@contextmanager
def stoppable() -> Generator[None]:
    """Lets signals stop what runs inside: the first one by a KeyboardInterrupt, a second one at once.

    A day that is cut off is one that was killed: its transaction never happened. After a block that was stopped, a further
    signal ends the process at once, also one that waits for its threads. After one that came to its end, a first signal is
    too late to change anything, and does nothing; so are all of them once the functions for the exit have run. A signal that is
    ignored, as under `nohup`, is left ignored. A signal that came while Python ran a finalizer or a callback, where exceptions
    go nowhere, or loaded a module of C++, which an exception may end with the process, is sent again.

    Raises:
        KeyboardInterrupt: After a signal, whatever became of it inside: Prefect may end a flow's run in its place.
    """
    stopping: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))  # Windows has no SIGHUP
    signals = [number for number in names if signal.getsignal(number) is not signal.SIG_IGN]

    def by_default() -> None:
        _handle(signals, signal.SIG_DFL)

    def too_late(number: int, frame: FrameType | None) -> None:
        by_default()

    def stop(number: int, frame: FrameType | None) -> None:
        if _is_loading_extension(frame):
            send_soon(number)
            return
        by_default()
        stopping.append(number)
        if sys.stderr.isatty():
            # The signal may have come in the middle of a buffered write.
            os.write(sys.stderr.fileno(), STOPPING.encode())
        raise KeyboardInterrupt

    def send_again(lost: "sys.UnraisableHookArgs") -> None:
        if not stopping or lost.exc_type is not KeyboardInterrupt:
            others(lost)
            return
        signal.signal(stopping[0], stop)
        send_soon(stopping[0])

    def send_soon(number: int) -> None:
        threading.Timer(SOON, os.kill, (os.getpid(), number)).start()

    others, sys.unraisablehook = sys.unraisablehook, send_again
    _handle(signals, stop)
    atexit.register(_handle, signals, signal.SIG_IGN)  # among the first, and so one of the last that are called
    try:
        yield
    except BaseException:
        if not stopping:
            raise
    finally:
        _handle(signals, signal.SIG_DFL if stopping else too_late)
        sys.unraisablehook = others
    if stopping:
        raise KeyboardInterrupt


def _is_loading_extension(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name in ("create_module", "exec_module") and isinstance(
            frame.f_locals.get("self"), ExtensionFileLoader
        ):
            return True
        frame = frame.f_back
    return False


def _handle(signals: Iterable[int], by: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    for number in signals:
        signal.signal(number, by)


def leave_signals_to_prefect() -> None:
    """Gives the signals their defaults again: a process that serves flows pauses their schedules before it ends.

    asyncio cancels what runs on Ctrl-C, and waits for it, only where Python's own handler is in place.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
