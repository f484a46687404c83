"""Ctrl-C: told once, and the process ends soon, whatever Prefect and the days in flight are doing at that moment."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code that typer makes of Ctrl-C: 128 and the signal's number."""
GRACE_SECONDS = 5.0

_leaving = threading.Lock()


@contextmanager
def interruptible() -> Generator[None]:
    """Lets Ctrl-C end the process within GRACE_SECONDS; days in flight have that long.

    Prefect would try for a minute to tell its embedded server how the flow ended, but the terminal's Ctrl-C has reached
    that server too. A day that is cut off is one that was killed: its transaction never happened.

    Raises:
        KeyboardInterrupt: After Ctrl-C, in the place of whatever came of it.
    """
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except BaseException as err:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _causes(err)):
            raise KeyboardInterrupt from err
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    deadline = threading.Timer(GRACE_SECONDS, leave)
    deadline.daemon = True
    deadline.start()
    raise KeyboardInterrupt


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def leave() -> NoReturn:
    """Ends the process at once, from any thread.

    Else Prefect would still deliver its events and log records, for minutes where its server is gone.
    """
    from mixflows.cli.output import bars

    _leaving.acquire()  # nobody gives it back, so that one thread alone says good-bye
    bars.show_cursor()
    sys.stderr.write("stopped: what is done stays done; run the same command to go on\n")
    if (server := sys.modules.get("prefect.server.api.server")) is not None:
        server.SubprocessASGIServer().stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
