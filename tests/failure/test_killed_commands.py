"""The commands themselves, killed while they run, and run again."""

import subprocess
import sys
import time
from pathlib import Path

from mixflows.model import Mode
from tests.failure.commands import environment, mixflows, mixflows_alone
from tests.failure.conftest import Yard
from tests.failure.exports import DAYS, first_export, line, write_export
from tests.support.command_line import COMMAND


def kill(path: Path, words: tuple[str, ...], after: float) -> bool:
    """Starts a command and kills it; tells whether it was still running."""
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=path.parent, env=environment(path),
    )  # fmt: skip
    try:
        _, told = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()  # SIGKILL
        process.communicate()
        return True
    assert process.returncode == 0, told
    return False


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


def test_land_and_backfill_killed_again_and_again(yard: Yard) -> None:
    more = [line(DAYS[0], f"more{n}", minute=n % 1440, noise="x" * 300) for n in range(30_000)]
    write_export(yard.folder / "more.jsonl", more)
    killed = 0
    for words in (("land", "more.jsonl"), ("backfill", "--no-prefect", "--concurrency", "2")):
        started = time.monotonic()
        if words[0] == "land":
            probe = Yard(yard.folder / "probe")
            probe.folder.mkdir()
            assert mixflows_alone(probe.path, "land", str(yard.folder / "more.jsonl")).code == 0
        else:
            (yard.folder / "copy").mkdir()
            (yard.folder / "copy" / "yard.duckdb").write_bytes(yard.path.read_bytes())
            assert mixflows_alone(yard.folder / "copy" / "yard.duckdb", *words).code == 0
        took = time.monotonic() - started
        for part in (0.5, 0.8):
            was_killed = kill(yard.path, words, took * part)
            killed += was_killed
            yard.tables()  # it can be opened and read
            if not was_killed:
                break
        else:
            ended = mixflows(yard.path, *words)
            # A kill between the commit and the end of the process comes too late: the file is landed, and says so.
            assert ended.code == 0 or (words[0] == "land" and "was landed before" in ended.err)
    assert killed >= 2
    tables = yard.tables()
    assert [row[1:] for row in tables.landings] == [["96", "94", "2"], ["30000", "30000", "0"]]
    expected = Yard(yard.folder / "expected")
    expected.folder.mkdir()
    expected.land(first_export())
    expected.land(more, "more")
    expected.backfill()
    assert {day: len(rows) for day, rows in tables.events.items()} == {
        day: len(rows) for day, rows in expected.tables().events.items()
    }
    assert [tables.status_of(str(day)) for day in DAYS] == [["published"], ["published"]]
    assert {outcome.row.status for outcome in yard.backfill(Mode.ALL).outcomes} == {"unchanged"}
