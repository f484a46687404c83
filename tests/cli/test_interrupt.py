"""Ctrl-C during a backfill: one sentence, exit code 130, and every day whole or untouched."""

import signal
import subprocess
import time
from pathlib import Path

from tests.support.command_line import COMMAND, Installation, export

DAYS, ROWS = 60, 30
SENTENCE = "stopped: what is done stays done; run the same command to go on\n"


def test_a_backfill_that_is_stopped_leaves_whole_days_and_goes_on_later(empty: Installation) -> None:
    empty.write("mixflows.toml", "[backfill]\nconcurrency = 1\n")
    empty.write("export.jsonl", export(DAYS, ROWS, twice=dict.fromkeys(range(DAYS), 1)))
    empty.run("land", "export.jsonl")
    running = subprocess.Popen(
        [*COMMAND, "backfill", "--no-prefect"],
        cwd=empty.folder,
        env=empty.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_a_published_day(empty.folder, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", SENTENCE)

    done = empty.rows("SELECT partition_date FROM mp_partition_runs WHERE status = 'published'")
    assert done
    for table, rows in (("mp_events", ROWS), ("mp_rejected_events", 1)):
        held = empty.rows(f"SELECT partition_date, count(*) FROM {table} GROUP BY ALL")
        assert sorted(held) == sorted((day, rows) for (day,) in done)
    empty.run("backfill", "--no-prefect")
    assert empty.rows("SELECT count(*) FROM mp_events") == [(DAYS * ROWS,)]
    assert empty.rows("SELECT count(*) FROM mp_rejected_events") == [(DAYS,)]


def wait_for_a_published_day(folder: Path, running: subprocess.Popen[str]) -> None:
    """Nobody else can read the file now, but what is committed grows its log."""
    log = folder / "mixflows.duckdb.wal"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if log.exists() and log.stat().st_size > 20_000:
            return
        time.sleep(0.01)
    raise AssertionError("no day was published in time")
