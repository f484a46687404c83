"""What sqlglot said once is read from the user's cache folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixflows.warehouse.asked_once import asked_once
from mixflows.warehouse.transpile import in_duckdb

STATEMENT = "SELECT TIMESTAMP_MICROS(1) AS first"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked_once.cache_clear()
    yield tmp_path / "mixflows" / "sql"
    asked_once.cache_clear()


def never(text: str, dialect: str) -> str:
    raise AssertionError("asked again")


never.__module__, never.__qualname__ = in_duckdb.__module__, in_duckdb.__qualname__


def test_the_second_process_does_not_ask(folder: Path) -> None:
    answer = asked_once(in_duckdb, STATEMENT, "bigquery")
    assert answer == in_duckdb(STATEMENT, "bigquery")
    assert len(list(folder.iterdir())) == 1
    assert asked_once(never, STATEMENT, "bigquery") == answer


@pytest.mark.parametrize("content", ["", "SELECT 1", "abc\nSELECT 1", b"\xff\xfe"])
def test_a_file_that_is_not_whole_is_written_anew(folder: Path, content: str | bytes) -> None:
    answer = asked_once(in_duckdb, STATEMENT, "bigquery")
    [file] = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    asked_once.cache_clear()
    assert asked_once(in_duckdb, STATEMENT, "bigquery") == answer
    assert [path.read_bytes() for path in folder.iterdir()] == [whole]


def test_another_text_dialect_or_version_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_once(in_duckdb, STATEMENT, "bigquery")
    for text, dialect in ((STATEMENT + ", 2", "bigquery"), (STATEMENT, "duckdb")):
        with pytest.raises(AssertionError, match="asked again"):
            asked_once(never, text, dialect)
    monkeypatch.setattr("mixflows.warehouse.asked_once._sqlglot", lambda: "31.0.0")
    with pytest.raises(AssertionError, match="asked again"):
        asked_once(never, STATEMENT, "bigquery")


@pytest.mark.parametrize("place", ["a file", "no home"])
def test_without_a_folder_it_is_asked_each_time(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "a file":
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", _no_home)
    assert asked_once(in_duckdb, STATEMENT, "bigquery") == in_duckdb(STATEMENT, "bigquery")


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")
