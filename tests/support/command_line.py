"""A folder with settings and a warehouse, and the command line run in it.

Most commands run in the test's own process, which has imported everything by then; a new interpreter takes seconds for
it. What is about the process itself (signals, the exit, locks, Prefect's environment) runs in one of its own.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mixflows.cli import run_command
from mixflows.warehouse import close_warehouses

ROOT = Path(__file__).parents[2]
HEED_SIGNALS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
"""Undoes what a shell does to tests in the background, and so to what they start: it lets them ignore these signals."""
PYTHON = (sys.executable, "-W", "error::ResourceWarning", "-c")
COMMAND = (*PYTHON, f"{HEED_SIGNALS}from mixflows.cli import main; main()")
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


def run_here(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Ended:
    """Runs `mixflows` in this process, as if it were one of its own: folder, environment and streams are the command's."""
    out, err = io.StringIO(), io.StringIO()
    with _place(folder, ["mixflows", *words], env or {}):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command()
        close_warehouses()
    return Ended(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _place(folder: Path, argv: list[str], env: Mapping[str, str]) -> Iterator[None]:
    environment, words = dict(os.environ), sys.argv
    os.environ.update(env)
    sys.argv = argv
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.argv = words
        os.environ.clear()
        os.environ.update(environment)


@dataclass(frozen=True)
class Installation:
    """A folder in which commands run."""

    folder: Path

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}

    def run(self, *args: str, env: Mapping[str, str] | None = None, code: int = 0) -> Ended:
        """Runs `mixflows` and compares its exit code with the expected one. Nothing may end in a traceback."""
        return _checked(run_here(self.folder, *args, env=env), code)

    def run_alone(self, *args: str, env: Mapping[str, str] | None = None, code: int = 0) -> Ended:
        """The same in a process of its own."""
        done = subprocess.run(
            [*COMMAND, *args],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return _checked(Ended(done.returncode, done.stdout, done.stderr), code)

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Starts `mixflows` in a process of its own, which signals are sent to."""
        return subprocess.Popen(
            [*COMMAND, *args],
            cwd=self.folder,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

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


def _checked(ended: Ended, code: int) -> Ended:
    assert "Traceback" not in ended.err, ended.err
    assert ended.code == code, f"exit code {ended.code}, not {code}\n{ended.out}\n{ended.err}"
    return ended


def days_of(rows: Iterable[Mapping[str, Any]], name: str = "day") -> list[str]:
    return [row[name] for row in rows]
