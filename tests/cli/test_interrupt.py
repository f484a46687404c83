"""Signals during a backfill: one sentence, exit code 130, every day whole or untouched, and no server left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mixflows.cli.output import STARTING_SERVER
from tests.support.command_line import HEED_SIGNALS, PYTHON, Installation, export

DAYS, ROWS = 12, 30
SENTENCE = "stopped: what is done stays done; run the same command to go on\n"


@pytest.fixture(scope="module")
def landed_days(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = Installation(tmp_path_factory.mktemp("days"))
    place.write("mixflows.toml", "[backfill]\nconcurrency = 1\nbatch_days = 3\n")
    place.write("export.jsonl", export(DAYS, ROWS, twice=dict.fromkeys(range(DAYS), 1)))
    place.run("land", "export.jsonl")
    return place


@pytest.fixture
def some_days(landed_days: Installation, tmp_path: Path) -> Installation:
    return landed_days.copied_to(tmp_path)


def test_a_backfill_that_is_stopped_leaves_whole_days_and_goes_on_later(some_days: Installation) -> None:
    """By SIGINT. What other signals do to a command: test_a_signal_stops_a_command_that_waits in tests/failure."""
    running = some_days.start("backfill", "--no-prefect")
    wait_for_a_published_day(some_days.folder, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", SENTENCE)

    done = some_days.rows("SELECT partition_date FROM mp_partition_runs WHERE status = 'published'")
    assert done
    for table, rows in (("mp_events", ROWS), ("mp_rejected_events", 1)):
        held = some_days.rows(f"SELECT partition_date, count(*) FROM {table} GROUP BY ALL")
        assert sorted(held) == sorted((day, rows) for (day,) in done)
    some_days.run("backfill", "--no-prefect")
    assert some_days.rows("SELECT count(*) FROM mp_events") == [(DAYS * ROWS,)]
    assert some_days.rows("SELECT count(*) FROM mp_rejected_events") == [(DAYS,)]


def test_a_second_signal_ends_the_process_at_once() -> None:
    script = (
        "import time\nfrom mixflows.cli.interrupt import stoppable\n"
        "with stoppable():\n    try:\n        print('ready', flush=True)\n        time.sleep(60)\n"
        "    finally:\n        print('stopping', flush=True)\n        time.sleep(60)\n"
    )
    with subprocess.Popen([*PYTHON, HEED_SIGNALS + script], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        for word in ("ready", "stopping"):
            assert running.stdout.readline() == f"{word}\n"
            running.send_signal(signal.SIGINT)
        assert running.wait(10) == -signal.SIGINT


def test_a_signal_that_came_where_exceptions_are_lost_stops_all_the_same() -> None:
    script = (
        "import os, signal, time\nfrom mixflows.cli.interrupt import stoppable\n"
        "class Lost:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n        time.sleep(0)\n"
        "try:\n    with stoppable():\n        Lost()\n        time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('stopped')\n"
    )
    ended = subprocess.run([*PYTHON, HEED_SIGNALS + script], capture_output=True, text=True, timeout=30, check=True)
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")


def test_a_signal_while_a_module_of_cpp_is_loaded_stops_after_that() -> None:
    """DuckDB makes enumerations while it is loaded; an exception in one ends the process with a core dump."""
    script = (
        "import enum, os, signal, time\nfrom mixflows.cli.interrupt import stoppable\nmade = enum.EnumType._create_\n"
        "def interrupted(*args, **named):\n    enum.EnumType._create_ = made\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n    return made(*args, **named)\n"
        "try:\n    with stoppable():\n        enum.EnumType._create_ = interrupted\n        import duckdb\n        time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('stopped')\n"
    )
    # Without PYTHON's warnings: the next module may be stopped while its file is open.
    ended = subprocess.run(
        [sys.executable, "-c", HEED_SIGNALS + script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")


@pytest.mark.parametrize(("late", "code"), [(1, 0), (2, -signal.SIGINT)])
def test_a_signal_after_the_work_is_too_late_and_a_second_one_ends_the_process(late: int, code: int) -> None:
    script = (
        "import atexit, os, signal\nfrom mixflows.cli.interrupt import stoppable\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGTERM)\nwith stoppable():\n    print('all of it')\n"
        f"for _ in range({late}):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    ended = subprocess.run([*PYTHON, HEED_SIGNALS + script], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert late > 1 or ended.stdout == "all of it\n"


def test_an_ignored_signal_is_left_ignored() -> None:
    script = (
        "import os, signal\nfrom mixflows.cli.interrupt import stoppable\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nwith stoppable():\n    os.kill(os.getpid(), signal.SIGHUP)\n"
    )
    assert subprocess.run([*PYTHON, script], check=False).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_temporary_server_ends_with_its_run_whatever_ends_that(
    some_days: Installation, number: signal.Signals
) -> None:
    running = some_days.start("backfill")
    try:
        if number is signal.SIGKILL:
            server = listening_child(running)
        else:
            wait_for_a_published_day(some_days.folder, running)
            (server,) = psutil.Process(running.pid).children()
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        if number is signal.SIGKILL:
            assert running.returncode == -number
        else:
            assert (running.returncode, out, err) == (130, "", f"{STARTING_SERVER}\n{SENTENCE}")
        server.wait(20)
    finally:
        running.kill()


def listening_child(running: subprocess.Popen[str]) -> psutil.Process:
    """The process that was started by another, once it can be connected to."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and running.poll() is None:
        for child in psutil.Process(running.pid).children():
            if any(connection.status == psutil.CONN_LISTEN for connection in child.net_connections()):
                return child
        time.sleep(0.1)
    raise AssertionError("no server was started in time")


def wait_for_a_published_day(folder: Path, running: subprocess.Popen[str]) -> None:
    """Nobody else can read the file now, but what is committed grows its log."""
    log = folder / "mixflows.duckdb.wal"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and running.poll() is None:
        if log.exists() and log.stat().st_size > 20_000:
            return
        time.sleep(0.01)
    raise AssertionError("no day was published in time")
