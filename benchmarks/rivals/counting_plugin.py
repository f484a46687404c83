"""A plugin of dbt-duckdb that has rows counted; it runs in dbt's environment, with this folder on its path."""

import atexit
import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
from reading import count_rows_read, metered, rows_read  # pyright: ignore[reportMissingImports, reportUnknownVariableType]


class Plugin(BasePlugin):  # pyright: ignore[reportUntypedBaseClass]
    """Counts from the first connection on, and writes the count to the file COUNT_ROWS when dbt ends."""

    def configure_connection(self, conn: Any) -> None:
        count_rows_read(conn)
        cursor = conn.cursor()
        atexit.register(lambda: Path(os.environ["COUNT_ROWS"]).write_text(str(rows_read(cursor)), encoding="utf-8"))

    def configure_cursor(self, cursor: Any) -> None:
        metered(cursor)
