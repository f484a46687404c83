"""The commands themselves, killed while they run, and run again."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from mixflows.model import Mode
from tests.failure.commands import environment, mixflows
from tests.failure.conftest import Yard
from tests.failure.exports import DAYS, EVENTS_A_DAY, line, write_export
from tests.support.command_line import COMMAND

MORE = 10_000


def kill_while_it_writes(path: Path, *words: str) -> None:
    """Starts a command, and kills it as soon as it has written to the warehouse."""
    before = written(path)
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=path.parent, env=environment(path),
    )  # fmt: skip
    while process.poll() is None and written(path) == before:
        time.sleep(0.001)
    process.kill()  # SIGKILL
    _, told = process.communicate()
    assert process.returncode == -signal.SIGKILL, told


def written(path: Path) -> tuple[int, int]:
    """What changes when something is written to the file, or to its log."""
    log = path.with_name(f"{path.name}.wal")
    return path.stat().st_mtime_ns, log.stat().st_size if log.exists() else 0


def test_a_kill_while_a_copy_of_the_file_is_read_leaves_nothing_for_long(yard: Yard) -> None:
    """A file that DuckDB cannot read as it is (here: a byte order mark) is copied beside the warehouse while it lands."""
    odd = yard.folder / "odd.jsonl"
    odd.write_bytes(b"\xef\xbb\xbf" + line(DAYS[0], "odd", minute=1).encode() + b"\n")
    code = (
        "import os, signal, sys, pathlib, duckdb\n"
        "from mixflows.intake.content import inspect_file\n"
        "from mixflows.settings import load_settings\n"
        "from mixflows.warehouse.duckdb.files import lines_of\n"
        "settings = load_settings(None, {})\n"
        "with lines_of(duckdb.connect(), settings, inspect_file(pathlib.Path(sys.argv[1]), settings.landing)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(odd)], env=environment(yard.path), cwd=yard.folder, check=False)
    left = set(yard.folder.glob(".yard.duckdb.landing-*"))
    assert left
    assert mixflows(yard.path, "land", str(odd)).code == 0
    assert not [path for path in left if path.exists()]


def test_land_and_backfill_are_killed_and_run_again(yard: Yard) -> None:
    more = [line(DAYS[0], f"more{n}", minute=n % 1440, noise="x" * 300) for n in range(MORE)]
    write_export(yard.folder / "more.jsonl", more)

    kill_while_it_writes(yard.path, "land", "more.jsonl")
    yard.tables()  # it can be opened and read
    ended = mixflows(yard.path, "land", "more.jsonl")
    # A kill between the commit and the end of the process comes too late: the file is landed, and says so.
    assert ended.code == 0 or "was landed before" in ended.err
    assert [row[1:] for row in yard.tables().landings] == [["96", "94", "2"], [str(MORE), str(MORE), "0"]]

    kill_while_it_writes(yard.path, "backfill", "--no-prefect", "--concurrency", "2")
    yard.tables()
    assert mixflows(yard.path, "backfill", "--no-prefect", "--concurrency", "2").code == 0
    tables = yard.tables()
    assert [len(tables.events[str(day)]) for day in DAYS] == [EVENTS_A_DAY + MORE, EVENTS_A_DAY]
    assert [tables.status_of(str(day)) for day in DAYS] == [["published"], ["published"]]
    assert {outcome.row.status for outcome in yard.backfill(Mode.ALL).outcomes} == {"unchanged"}
