"""Checkpoints: beside the end of a flow, in the place of the one that closing the file writes; and the joining of rows."""

import threading
from collections.abc import Sequence
from contextlib import closing, suppress

import duckdb

SESSIONS = 8
"""So many sessions leave their row groups as they are, and the next one joins small ones."""
JOINS = 4
"""The most that it joins of one table: each may write 368,640 rows anew."""


class Checkpoints:
    """At most one checkpoint at a time, in a thread of its own; begin it when nothing more is to be read.

    Every session leaves a small row group in each table that it adds to. DuckDB would join them in the next checkpoint,
    with the whole ones beside them: after a day of 200,000 events that takes most of a second, and all else in a
    checkpoint a hundredth. The file is opened so that it joins none, but for what is begun here.

    Args:
        connection: To the file.
        tables: What sessions add to; its row groups tell how many left theirs.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
        self._connection, self._tables = connection, tables
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Begins one. What it cannot write stays in the write-ahead log, which the next one to open the file reads."""
        with self._lock:
            self._join()
            self._thread = threading.Thread(target=self._write, name="checkpoint")
            self._thread.start()

    def finish(self) -> None:
        """Waits for the one that was begun, or writes one."""
        with self._lock:
            if self._thread is None:
                self._write()
            self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        with suppress(duckdb.Error), closing(self._connection.cursor()) as cursor:
            cursor.execute(f"SET GLOBAL max_vacuum_tasks = {JOINS if self._due(cursor) else 0}")
            cursor.execute("CHECKPOINT")

    def _due(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        groups = "SELECT COUNT(DISTINCT row_group_id) FROM pragma_storage_info(?)"
        for table in self._tables:
            with suppress(duckdb.CatalogException):  # not made yet
                if cursor.execute(groups, [table]).fetchall()[0][0] > SESSIONS:
                    return True
        return False
