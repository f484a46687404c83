"""A folder or module of the user's with the name of one of our packages: it does no harm, or it is named in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from mixflows.errors import UsageError
from mixflows.packages import refuse_hidden_packages
from tests.support.command_line import COMMAND, ROOT, Installation, export

COMMANDS = [["run"], ["demo"], ["serve"], ["expectations", "list"], ["land", "export.jsonl"]]


def write(folder: Path, name: str) -> Path:
    """A package or, with the ending `.py`, a module."""
    path = folder / name
    if path.suffix:
        path.write_text("MINE = True\n")
    else:
        path.mkdir(parents=True)
        (path / "__init__.py").write_text("MINE = True\n")
    return path


def ran(place: Installation, *command: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=place.folder, env=place.environment({"PYTHONPATH": path}),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_package_on_the_path_that_hides_ours_is_one_sentence(words: list[str], empty: Installation) -> None:
    empty.write("export.jsonl", export(days=1, rows=4))
    mine = write(empty.folder, "tasks")
    ended = ran(empty, *COMMAND, *words, path=f"{empty.folder}:{ROOT}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {mine} hides the package tasks of mixflows")
    assert "PYTHONPATH" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert {path.name for path in empty.folder.iterdir()} == {"export.jsonl", "tasks"}


@pytest.mark.parametrize("name", ["flows", "expectations", "deployments", "tasks.py", "flows.py"])
def test_every_name_of_ours_counts(name: str, empty: Installation) -> None:
    mine = write(empty.folder, name)
    ended = ran(empty, *COMMAND, "doctor", path=f"{empty.folder}:{ROOT}")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {mine} hides the package {name.removesuffix('.py')} of mixflows")


def test_the_working_folder_counts_only_where_python_looks_there(empty: Installation) -> None:
    write(empty.folder, "tasks")
    as_module = ran(empty, sys.executable, "-m", "mixflows", "status", path=str(ROOT))
    assert (as_module.returncode, as_module.stdout) == (2, "")
    assert "start `mixflows`" in as_module.stderr
    safe = ran(empty, sys.executable, "-P", "-m", "mixflows", "status", path=str(ROOT))
    assert (safe.returncode, safe.stderr) == (0, "")


def test_a_folder_to_serve_from_counts_as_runs_look_there_first(empty: Installation) -> None:
    mine = write(empty.folder, "tasks")
    safe = [sys.executable, "-P", "-m", "mixflows"]
    ended = ran(empty, *safe, "serve", path=str(ROOT))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {mine} hides the package tasks of mixflows")
    assert ran(empty, *safe, "status", path=str(ROOT)).returncode == 0


def test_what_hides_nothing_is_let_pass(empty: Installation) -> None:
    (empty.folder / "tasks").mkdir()  # without __init__.py
    for name in ("tests", "flowsheet.py"):
        write(empty.folder, name)
    ended = ran(empty, *COMMAND, "status", path=f"{empty.folder}:{ROOT}")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_folder_to_deploy_from_is_looked_at(tmp_path: Path) -> None:
    refuse_hidden_packages(tmp_path)
    refuse_hidden_packages(ROOT)
    write(tmp_path, "flows")
    with pytest.raises(UsageError, match="hides the package flows"):
        refuse_hidden_packages(tmp_path)
