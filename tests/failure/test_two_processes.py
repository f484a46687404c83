"""Two processes on one file: the second one waits, and is told who holds it; nothing happens to the file meanwhile."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixflows.cli.interrupt import STOPPED
from mixflows.cli.output import STARTING_SERVER
from mixflows.errors import WarehouseBusyError
from mixflows.warehouse import open_warehouse
from tests.failure.commands import check_told, environment, mixflows
from tests.failure.conftest import Yard
from tests.failure.exports import first_export, second_export, write_export
from tests.support.command_line import COMMAND
from tests.support.holding import held

pytestmark = pytest.mark.xdist_group("two processes")

PYTHON = Path(sys.executable).resolve().name
COMMANDS = {
    "init": ("init",),
    "land": ("land", "export.jsonl"),
    "plan": ("plan",),
    "run": ("run",),
    "run without Prefect": ("run", "--no-prefect"),
    "backfill": ("backfill",),
    "backfill without Prefect": ("backfill", "--no-prefect", "--json"),
    "a dry run": ("backfill", "--dry-run"),
    "status": ("status",),
    "status as JSON": ("status", "--json"),
    "report": ("report", "--out", "report.html"),
    "inspect": ("inspect", "2024-08-01"),
    "release": ("release", "2024-08-01", "--because", "tried"),
    "acknowledge": ("acknowledge", "2024-08-01", "--because", "tried"),
}
AT_ONCE = "--set=pipeline.wait_minutes=0"


@pytest.fixture(scope="module")
def held_yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Yard, int]]:
    yard = Yard(tmp_path_factory.mktemp("held"))
    yard.land(first_export())
    write_export(yard.folder / "export.jsonl", first_export())
    before = yard.tables()
    with held(yard.path) as pid:
        yield yard, pid
    assert yard.tables() == before


@pytest.mark.parametrize("words", COMMANDS.values(), ids=list(COMMANDS))
def test_the_second_command_is_told_who_holds_the_file(held_yard: tuple[Yard, int], words: tuple[str, ...]) -> None:
    yard, pid = held_yard
    ended = mixflows(yard.path, *words, AT_ONCE)
    check_told(ended, f"{yard.path} is held by process {pid} (python", "one writer", code=4)
    assert ended.out in ("", "wrote mixflows.toml\n")
    assert not (yard.folder / "report.html").exists()


def test_the_file_is_free_again_when_its_holder_has_ended(yard: Yard) -> None:
    yard.sections = {"pipeline": {"wait_minutes": 0}}
    with held(yard.path) as pid, pytest.raises(WarehouseBusyError, match=f"process {pid}"):
        open_warehouse(yard.settings)
    assert len(open_warehouse(yard.settings).source_days()[0]) == 2


WRITING = {
    "init": ("init",),
    "land": ("land", "export.jsonl"),
    "backfill without Prefect": ("backfill", "--no-prefect"),
}


@pytest.mark.parametrize("words", WRITING.values(), ids=list(WRITING))
def test_a_command_waits_until_the_file_is_free_and_says_so_once(yard: Yard, words: tuple[str, ...]) -> None:
    write_export(yard.folder / "export.jsonl", second_export())
    command = told_to_wait(yard, *words)
    out, err = command.communicate(timeout=200)
    assert (command.returncode, err) == (0, ""), out


def test_a_command_waits_before_it_starts_a_server(yard: Yard) -> None:
    command = told_to_wait(yard, "run", "--as-of", "2024-08-02")
    assert command.stderr is not None
    assert command.stderr.readline() == f"{STARTING_SERVER}\n"
    command.kill()
    command.communicate()


def told_to_wait(yard: Yard, *words: str) -> "subprocess.Popen[str]":
    """A command that was told that another process holds the file, which is free by now."""
    with held(yard.path) as pid:
        command = subprocess.Popen(
            [*COMMAND, *words, "--wait", "2"], cwd=yard.folder, env=environment(yard.path),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert command.stderr is not None
        told = command.stderr.readline()
    holder = f"{yard.path} is held by process {pid} ({PYTHON})"
    assert told == f"{holder}; waiting for up to 2 minutes (pipeline.wait_minutes)\n"
    return command


def test_it_waits_as_long_as_it_is_told_to(yard: Yard) -> None:
    with held(yard.path):
        started = time.monotonic()
        ended = mixflows(yard.path, "land", "export.jsonl", "--wait", "0.03")
        assert 1.8 <= time.monotonic() - started < 20
    waiting, error = ended.err.splitlines()[:2]
    assert "waiting for up to 0.03 minutes" in waiting
    assert error.startswith(f"error: {yard.path} is held by process")
    assert ended.code == 4
    assert mixflows(yard.path, "run", "--wait", "-1").code == 2
    assert mixflows(yard.path, "run", "--set", "pipeline.wait_minutes=inf").code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_command_that_waits(held_yard: tuple[Yard, int], number: signal.Signals) -> None:
    yard, _ = held_yard
    command = subprocess.Popen(
        [*COMMAND, "status"], cwd=yard.folder, env=environment(yard.path), stderr=subprocess.PIPE, text=True
    )
    assert command.stderr is not None
    assert "waiting for up to 10 minutes" in command.stderr.readline()
    command.send_signal(number)
    _, err = command.communicate(timeout=60)
    assert (command.returncode, err) == (130, STOPPED)
