"""Hands work to the driver that kills it, and reads what came of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.failure.tables import Tables

ROOT = Path(__file__).parents[2]
WRITING = (
    "create_tables", "date_landed_rows", "replace_days", "run added_", "run delta_", "append", "commit", "close",
)  # fmt: skip
"""Calls that write to the file, or their beginnings."""
READING = ("source_days", "query", "run", "stage")
"""Calls that only read it; a batch's short-lived tables are in memory."""


@dataclass(frozen=True)
class KilledRun:
    """One run that was killed, and the run after it.

    Attributes:
        where: The call and whether the kill came before, inside or after it.
        files: Equal where two kills left the same files.
        after_kill: The tables that the kill left.
        after: The tables after the work was done again.
    """

    where: str
    call: int
    when: str
    was_inside: bool
    files: int
    after_kill: Tables
    after: Tables


@dataclass(frozen=True)
class KilledRuns:
    """Every killed run, and the work without a kill.

    Attributes:
        calls: Names of the calls that the work makes.
    """

    calls: list[str]
    before: Tables
    after: Tables
    runs: list[KilledRun]


def driven(module: str, job: Path) -> Any:
    """Runs a module that forks processes with a job file; the JSON document that it prints."""
    # NumPy's threads would be there before the processes are forked.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, str(job)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kill_at_every_point(
    prepared: Path,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    land: Path | None = None,
    days: tuple[date, date] | None = None,
    boundaries: bool = True,
    inside: Sequence[str] = WRITING,
) -> KilledRuns:
    """Does the work on copies of the prepared warehouse, killed at every point, and again.

    Args:
        prepared: The warehouse's file; it stays as it is.
        folder: Where it works and copies; made here.
        land: The file to land; without one, what is due is backfilled.
        days: The first and last of the whole days that the file is.
        boundaries: Whether it is killed between any two calls.
        inside: Names, or their beginnings, of the calls that it is killed inside.
    """
    folder.mkdir()
    job = {
        "prepared": str(prepared),
        "folder": str(folder),
        "land": str(land) if land else None,
        "days": list(map(str, days)) if days else None,
        "settings": settings,
        "boundaries": boundaries,
        "inside": list(inside),
    }
    file = prepared.with_suffix(".job.json")
    file.write_text(json.dumps(job), encoding="utf-8")
    result = driven("tests.failure.kill_driver", file)
    calls: list[str] = result["calls"]
    ends = [(Tables(**end["after_kill"]), Tables(**end["after"])) for end in result["ends"]]
    runs = [
        KilledRun(
            f"{run['when']} call {run['call']}, {calls[run['call']]}",
            run["call"], run["when"], run["was_inside"], run["end"], *ends[run["end"]],
        )
        for run in result["runs"]
    ]  # fmt: skip
    return KilledRuns(calls, Tables(**result["before"]), Tables(**result["after"]), runs)
