"""A checkpoint beside other work, in the place of the one that closing the file writes."""

import threading
from contextlib import closing, suppress

import duckdb


class BackgroundCheckpoint:
    """At most one checkpoint at a time, in a thread of its own.

    DuckDB joins the row groups that late rows left small then, for most of a second, and Prefect waits that long anyway
    to end a flow.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begins one. What it cannot write stays in the write-ahead log, and closing the file meets the error again."""
        self.wait()
        self._thread = threading.Thread(target=self._write, name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Waits for the one that was begun."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _write(self) -> None:
        with suppress(duckdb.Error), closing(self._connection.cursor()) as cursor:
            cursor.execute("CHECKPOINT")
