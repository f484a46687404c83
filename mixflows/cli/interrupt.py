"""Ctrl-C: told once, and the process ends, whatever Prefect was doing at that moment."""

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import NoReturn

from mixflows.warehouse import close_warehouses

INTERRUPTED = 130
"""The exit code that typer makes of Ctrl-C: 128 and the signal's number."""


@contextmanager
def interrupts_told_once() -> Generator[None]:
    """Raises KeyboardInterrupt for whatever Prefect raises after Ctrl-C.

    The terminal's Ctrl-C reaches Prefect's embedded server too, and then the flow cannot tell it any more how it ended.
    """
    try:
        yield
    except BaseException as err:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _causes(err)):
            raise KeyboardInterrupt from err
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def leave() -> NoReturn:
    """Closes the warehouses and ends the process at once.

    Prefect would first deliver every event and log record that it still holds, for minutes where its server is gone,
    and its threads would keep DuckDB's connections until they complain.
    """
    sys.stderr.write("stopped: every day and every file is whole or untouched; run the same command to go on\n")
    close_warehouses()
    if (server := sys.modules.get("prefect.server.api.server")) is not None:
        server.SubprocessASGIServer().stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
