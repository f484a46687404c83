"""Files that are written where a user points: standard output, links, pipes, rights, and what cannot be written."""

import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from mixflows.errors import OutputError
from mixflows.files import write_text
from tests.support.command_line import COMMAND, Installation

UMASKS = (0o022, 0o077, 0o002)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("kind", ["html", "json", "markdown"])
def test_a_report_goes_to_standard_output_and_nothing_else_does(kind: str, backfilled: Installation) -> None:
    before = sorted(backfilled.folder.iterdir())
    shown = backfilled.run("report", "--format", kind, "--out", "-").out
    backfilled.run("report", "--format", kind, "--out", "file")
    written = (backfilled.folder / "file").read_text(encoding="utf-8")
    assert len(shown.splitlines()) == len(written.splitlines())
    if kind == "json":
        assert json.loads(shown)["days"] == json.loads(written)["days"]
    else:
        assert shown.splitlines()[-1] == written.splitlines()[-1]
    (backfilled.folder / "file").unlink()
    assert backfilled.run("report", "--format", kind, "--out", "-", "--json").out.count("\n") == shown.count("\n")
    assert sorted(backfilled.folder.iterdir()) == before


def test_suites_go_to_standard_output_as_one_object(empty: Installation) -> None:
    assert set(empty.run("expectations", "export", "--out", "-").json) == {"figures", "rows"}
    assert list(empty.folder.iterdir()) == []


@contextmanager
def standard_output(file: BinaryIO) -> Iterator[None]:
    """What a shell does for `> file`, to this process."""
    before = os.dup(1)
    os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_standard_output_by_another_name_is_written_straight(name: str, mode: str, backfilled: Installation) -> None:
    log = backfilled.folder / "log"
    log.write_text("before\n")
    with log.open(mode) as out, standard_output(out):
        ended = backfilled.run("report", "--format", "json", "--out", name)
    assert ended.out == ""
    text = log.read_text(encoding="utf-8")
    assert text.startswith("before\n") == (mode == "ab")
    assert json.loads(text.removeprefix("before\n"))["days"]


def test_a_pipe_is_written_straight_and_remains(backfilled: Installation) -> None:
    pipe = backfilled.folder / "pipe"
    os.mkfifo(pipe)
    (backfilled.folder / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        found: list[str] = []
        reader = threading.Thread(target=lambda: found.append(pipe.read_text(encoding="utf-8")))  # noqa: B023
        reader.start()
        shown = backfilled.run("report", "--format", "json", "--out", name)
        reader.join(30)
        assert json.loads(found[0])["days"]
        assert not shown.out
        assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_process_substitution_reads_the_report(backfilled: Installation) -> None:
    done = backfilled.folder / "done.json"
    with done.open("wb") as copy, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=copy) as reader:
        assert reader.stdin
        backfilled.run("report", "--format", "json", "--out", f"/dev/fd/{reader.stdin.fileno()}")
    assert json.loads(done.read_text(encoding="utf-8"))["days"]


def test_a_link_stays_and_its_target_is_written(backfilled: Installation) -> None:
    published = backfilled.folder / "www" / "report.html"
    published.parent.mkdir()
    backfilled.write("old.html", "old")
    (backfilled.folder / "second.html").symlink_to("www/report.html")
    (backfilled.folder / "first.html").symlink_to(backfilled.folder / "second.html")
    for _ in ("a target that is not there yet", "an old report"):
        backfilled.run("report", "--out", "first.html")
        assert (backfilled.folder / "first.html").is_symlink()
        assert (backfilled.folder / "second.html").is_symlink()
        assert not published.is_symlink()
        assert published.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_settings_of_a_first_installation_go_through_a_link(empty: Installation) -> None:
    (empty.folder / "mixflows.toml").symlink_to("kept.toml")
    empty.run("init")
    assert (empty.folder / "mixflows.toml").is_symlink()
    assert "[warehouse]" in (empty.folder / "kept.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("mask", UMASKS)
def test_new_files_have_the_rights_of_the_umask_and_old_ones_keep_theirs(
    mask: int, landed: Installation, umask: Callable[[int], int]
) -> None:
    umask(mask)
    landed.run("report", "--out", "report.html")
    landed.run("expectations", "export", "--out", "suites")
    (landed.folder / "mixflows.toml").unlink()
    landed.run("init")
    for name in ("report.html", "suites/figures.json", "mixflows.toml"):
        assert rights(landed.folder / name) == 0o666 & ~mask, name
    (landed.folder / "report.html").chmod(0o640)
    landed.run("report", "--out", "report.html")
    assert rights(landed.folder / "report.html") == 0o640
    assert [path.name for path in landed.folder.iterdir() if path.suffix == ".part"] == []


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    out = tmp_path / "file"
    write_text(out, "old", "a file")
    with out.open(encoding="utf-8") as reader:
        write_text(out, "new", "a file")
        assert reader.read() == "old"
    assert out.read_text() == "new"


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--out"],
        ["report", "--format", "json", "--out"],
        ["expectations", "export", "--out"],
        ["demo", "--no-prefect", "--folder"],
    ],
    ids=lambda words: words[0],
)
def test_what_cannot_be_written_is_one_sentence(words: list[str], landed: Installation) -> None:
    landed.write("a file", "mine")
    ended = landed.run(*words, "a file/below", code=1)
    assert ended.err.startswith("error: ")
    assert "a file/below" in ended.err
    assert (landed.folder / "a file").read_text() == "mine"


@pytest.mark.parametrize("name", ["/dev/full", "/proc/nowhere", ".", "folder", "x" * 300, "circle"])
def test_a_report_that_cannot_be_written_names_where(name: str, landed: Installation) -> None:
    (landed.folder / "folder").mkdir()
    (landed.folder / "circle").symlink_to("circle")
    assert f"cannot be written to {name}" in landed.run("report", "--out", name, code=1).err


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "a", "text", "a file")


def test_a_report_does_not_replace_what_the_settings_name(backfilled: Installation) -> None:
    (backfilled.folder / "link.html").symlink_to("mixflows.duckdb")
    (backfilled.folder / "hard.html").hardlink_to(backfilled.folder / "mixflows.duckdb")
    settings = (backfilled.folder / "mixflows.toml").read_bytes()
    for name in ("mixflows.duckdb", "link.html", "hard.html", "mixflows.duckdb.wal"):
        assert "mixflows.duckdb" in backfilled.run("report", "--out", name, code=2).err
        assert backfilled.rows("SELECT count(*) FROM mp_events") == [(160,)]
    assert "the settings file" in backfilled.run("report", "--out", "mixflows.toml", code=2).err
    assert (backfilled.folder / "mixflows.toml").read_bytes() == settings


def test_only_a_file_can_be_opened(landed: Installation) -> None:
    assert "--open" in landed.run("report", "--out", "-", "--open", code=2).err


@pytest.mark.parametrize("day", [date(1999, 12, 31), datetime.now(UTC).date()])
def test_a_demo_ends_on_a_day_that_is_over(day: date, empty: Installation) -> None:
    empty.run("demo", "--no-prefect", "--until", str(day), code=2)
    assert not list(empty.folder.iterdir())


def test_a_demo_replaces_no_installation(backfilled: Installation) -> None:
    ended = backfilled.run("demo", "--no-prefect", "--folder", ".", code=2)
    assert "--folder" in ended.err
    assert backfilled.rows("SELECT count(*) FROM mp_events") == [(160,)]


def test_a_reader_that_leaves_early_gets_no_traceback(backfilled: Installation) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" report --out - | head -c 100', "bash", *COMMAND],
        cwd=backfilled.folder, env=backfilled.environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout) == 100
