"""The commands, SQL and programs of README.md and docs/, one after the other, on the demo that README.md begins with."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from docs.generate import DEMO, README, of_demo, written
from tests.support.command_line import Ended, Installation
from tests.support.documents import blocks, command_lines, section, text_of

pytestmark = pytest.mark.xdist_group("tour")

TEXT = README.read_text(encoding="utf-8")
CODES = {("run",): 3}
"""Exit codes of commands that do not end with 0, by their first words."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Installation]:
    """What the demo prints, and the installation that it leaves."""
    folder = tmp_path_factory.mktemp("demo")
    return Installation(folder).run(*DEMO, "--no-prefect"), Installation(folder / "mixflows-demo")


@pytest.fixture
def place(demo: tuple[Ended, Installation], tmp_path: Path) -> Installation:
    """A copy of the demo's installation."""
    return demo[1].copied_to(tmp_path / "mixflows-demo")


def test_the_readme_shows_what_the_demo_prints(demo: tuple[Ended, Installation]) -> None:
    ended, place = demo
    assert ended.out.count(" agree") == 7
    assert "DIFFER" not in ended.out
    assert written(TEXT, of_demo(ended.out, place.run("status").out)) == TEXT, "run `make docs`"


def test_the_quick_start_runs(place: Installation) -> None:
    shown = {words[0]: place.run(*words, code=CODES.get((words[0],), 0)).out for words in quick_start()}
    assert shown["run"].startswith("Nothing to do")
    assert "1 published." in shown["backfill"]
    assert (place.folder / "report.html").is_file()
    assert "31 days published" in place.run("status").out


def quick_start() -> list[list[str]]:
    return command_lines(section(TEXT, "Quick start"))


def test_the_commands_of_the_thresholds_run(place: Installation) -> None:
    lines = command_lines(text_of("docs/thresholds.md"))
    assert lines
    for words in lines:
        place.run(*words)


def test_the_sql_and_programs_of_the_pages_run(place: Installation) -> None:
    with duckdb.connect(place.folder / "mixflows.duckdb", read_only=True) as connection:
        results = [
            connection.sql(statement).fetchall()
            for block in blocks(text_of("docs/trust.md"), "sql")
            for statement in re.sub(r"--.*", "", block).split(";")
            if statement.strip()
        ]
    assert len(results) == 2
    assert all(results)
    (program,) = re.findall(r'^python -c "(.*)"$', text_of("docs/tables.md"), flags=re.MULTILINE)
    assert "Duplicate event" in ran(program, place.folder.parent)
    (notebook,) = blocks(text_of("docs/trust.md"), "python")
    ran(
        notebook.replace('"mixflows"', 'sys.executable, "-m", "mixflows"', 1).replace(
            "import json", "import sys, json"
        ),
        place.folder,
    )
    assert json.loads((place.folder / "report.json").read_text(encoding="utf-8"))


def ran(program: str, folder: Path) -> str:
    environment = Installation(folder).environment()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ones_own_events_are_processed(tmp_path: Path, demo: tuple[Ended, Installation]) -> None:
    place = Installation(tmp_path)
    exports = tmp_path / "exports"
    exports.mkdir()
    for day in ("2026-06-01", "2026-06-02"):
        shutil.copy(demo[1].folder / "export" / "first" / f"events-{day}.jsonl.gz", exports)
    for words in command_lines(section(TEXT, "Your own events")):
        if words[0] != "serve":
            place.run(*words, *(["--no-prefect"] if words[0] in ("run", "backfill") else []))
    assert "days published" in place.run("status").out
    assert (tmp_path / "report.html").is_file()
