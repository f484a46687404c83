"""A command that is started in a folder that was deleted ends in one sentence."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import COMMAND, Installation

COMMANDS = [["run"], ["status"], ["land", "export.jsonl"], ["demo"], ["expectations", "list"], ["serve"]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_deleted_working_folder_is_one_sentence(words: list[str], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["bash", "-c", 'cd "$1" && rmdir "$1" && shift && exec "$@"', "bash", str(gone), *COMMAND, *words],
        env=Installation(tmp_path).environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert "working folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
