"""A folder with settings and a warehouse, and the command line run in it as a user runs it: in its own process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-W", "error::ResourceWarning", "-c", "from mixflows.cli import main; main()")
NEW_YEAR_2024 = 1_704_067_200
"""Midnight of 2024-01-01, UTC, in seconds."""


def export(days: int, rows: int, twice: Mapping[int, int] | None = None, first_day: int = 0) -> str:
    """Lines of a raw export: so many days from 2024-01-01 on, with so many events each.

    Args:
        twice: How many events of a day, counted from 0, are delivered a second time.
        first_day: How many days after 2024-01-01 it begins.
    """
    lines: list[str] = []
    for day in range(first_day, first_day + days):
        of_day = [_line(day, n) for n in range(rows)]
        lines += of_day + of_day[: (twice or {}).get(day, 0)]
    return "".join(line + "\n" for line in lines)


def _line(day: int, n: int) -> str:
    time = NEW_YEAR_2024 + day * 86_400 + n
    properties = {"time": time, "distinct_id": f"u{n}", "$insert_id": f"{day}-{n}"}
    return json.dumps({"event": "view", "properties": properties | {"mp_processing_time_ms": (time + 1) * 1000}})


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Installation:
    """A folder in which commands run."""

    folder: Path

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **(more or {})}

    def run(self, *args: str, env: Mapping[str, str] | None = None, code: int = 0) -> Ended:
        """Runs `mixflows` and holds its exit code against the expected one. Nothing may end in a traceback."""
        done = subprocess.run(
            [*COMMAND, *args],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ended.err, ended.err
        assert ended.code == code, f"exit code {ended.code}, not {code}\n{ended.out}\n{ended.err}"
        return ended

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.folder / "mixflows.duckdb", read_only=True) as connection:
            return connection.sql(sql).fetchall()

    def change(self, *statements: str) -> None:
        with duckdb.connect(self.folder / "mixflows.duckdb") as connection:
            for statement in statements:
                connection.execute(statement)

    def published(self) -> list[tuple[str, str]]:
        """Every published day with the run that published it last."""
        return self.rows(
            "SELECT partition_date::VARCHAR, max_by(run_id, started_at) FROM mp_partition_runs"
            " WHERE status IN ('published', 'unchanged') GROUP BY ALL ORDER BY ALL"
        )

    def copied_to(self, folder: Path) -> "Installation":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Installation(folder)


def days_of(rows: Iterable[Mapping[str, Any]], name: str = "day") -> list[str]:
    return [row[name] for row in rows]
