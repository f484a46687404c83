"""Folders of rows on their way to BigQuery: those of living processes stay, and those that a killed process left go."""

import subprocess
import sys
from pathlib import Path

import pytest

from mixflows.errors import WarehouseFullError
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.memory import reader

DIES = """
import os, signal
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.memory import reader
with reader(Settings(), "reading") as (_, folder):
    (folder / "rows").write_text("events")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_only_what_a_killed_process_left_is_removed(temporary: Path) -> None:
    others = temporary / "mixflows-landing-without-lock"
    others.mkdir()
    with reader(Settings(), "reading") as (_, first):
        subprocess.run([sys.executable, "-c", DIES], cwd=Path(__file__).parents[2], check=False)
        (left,) = set(temporary.iterdir()) - {others, first}
        assert (left / "rows").exists()
        with reader(Settings(), "reading") as (_, second):
            assert set(temporary.iterdir()) == {others, first, second}
        assert set(temporary.iterdir()) == {others, first}
    assert set(temporary.iterdir()) == {others}


def test_no_room_for_the_folder_is_one_sentence(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "nowhere"))
    with (
        pytest.raises(WarehouseFullError, match="no folder could be created under TMPDIR"),
        reader(Settings(), "reading"),
    ):
        pass
