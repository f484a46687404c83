"""Two processes on one file: the second one is told who holds it, and nothing happens to the file."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixflows.errors import WarehouseBusyError
from mixflows.warehouse import open_warehouse
from tests.failure.commands import check_told, environment, mixflows, mixflows_alone
from tests.failure.conftest import Yard
from tests.failure.exports import first_export, write_export

HOLDER = """
import sys
from pathlib import Path
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse

open_warehouse(Settings.model_validate({"warehouse": {"path": Path(sys.argv[1])}}))
print("open", flush=True)
sys.stdin.read()
"""
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
}


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Another process holds the file; gives its id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(path),
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder:
        assert holder.stdout.readline() == "open\n"
        yield holder.pid
        holder.stdin.close()
    assert holder.returncode == 0


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
    through_prefect = words in {("run",), ("backfill",)}
    ended = (mixflows_alone if through_prefect else mixflows)(yard.path, *words)
    check_told(ended, f"{yard.path} is held by process {pid} (python", "one writer")
    assert ended.out in ("", "wrote mixflows.toml\n")
    assert not (yard.folder / "report.html").exists()


def test_the_file_is_free_again_when_its_holder_has_ended(yard: Yard) -> None:
    with held(yard.path) as pid, pytest.raises(WarehouseBusyError, match=f"process {pid}"):
        open_warehouse(yard.settings)
    assert len(open_warehouse(yard.settings).source_days()[0]) == 2
