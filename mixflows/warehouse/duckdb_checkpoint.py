"""A checkpoint beside the end of a flow, in the place of the one that closing the file writes."""

import threading
from contextlib import closing, suppress

import duckdb


class BackgroundCheckpoint:
    """At most one checkpoint at a time, in a thread of its own; begin it when nothing more is to be read.

    DuckDB joins the row groups that late rows left small then, for most of a second, and Prefect waits that long anyway
    to end a flow.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Begins one. What it cannot write stays in the write-ahead log, which the next one to open the file reads."""
        with self._lock:
            self._join()
            self._thread = threading.Thread(target=self._write, name="checkpoint")
            self._thread.start()

    def wait(self) -> None:
        """Waits for the one that was begun."""
        with self._lock:
            self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _write(self) -> None:
        with suppress(duckdb.Error), closing(self._connection.cursor()) as cursor:
            cursor.execute("CHECKPOINT")
