import os
from pathlib import Path

import pytest

from mixflows.errors import UsageError
from mixflows.intake.finding import FoundFiles, find_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jsonl", "a.json.gz", "deep/er/c.ndjson", "deep/d.parquet", "notes.txt", ".hidden.jsonl", "B.JSON"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(found: FoundFiles, folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in found.files]


def test_a_directory_gives_its_exports_to_the_bottom_and_nothing_else(folder: Path) -> None:
    found = find_files([str(folder)])
    assert names(found, folder) == ["B.JSON", "a.json.gz", "b.jsonl", "deep/d.parquet", "deep/er/c.ndjson"]


def test_a_glob_gives_what_it_matches_and_may_cross_directories(folder: Path) -> None:
    assert names(find_files([str(folder / "**/*.ndjson"), str(folder / "b*")]), folder) == [
        "b.jsonl",
        "deep/er/c.ndjson",
    ]


def test_a_file_that_is_named_is_taken_whatever_its_suffix(folder: Path) -> None:
    assert names(find_files([str(folder / "notes.txt")]), folder) == ["notes.txt"]


def test_a_file_that_is_meant_twice_is_found_once(folder: Path) -> None:
    (folder / "link.jsonl").symlink_to(folder / "b.jsonl")
    twice = [str(folder / "b.jsonl"), str(folder / "deep" / ".." / "b.jsonl"), str(folder / "link.jsonl")]
    assert names(find_files(twice), folder) == ["b.jsonl"]


def test_a_name_that_looks_like_a_glob_is_first_of_all_a_name(folder: Path) -> None:
    (folder / "e[1].jsonl").touch()
    assert names(find_files([str(folder / "e[1].jsonl")]), folder) == ["e[1].jsonl"]


def test_all_patterns_that_mean_nothing_are_named_at_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jsonl")
    wrong = [str(folder / name) for name in ("missing.jsonl", "*.csv", "empty", "pipe.jsonl")]
    with pytest.raises(UsageError) as refused:
        find_files([str(folder / "b.jsonl"), *wrong])
    assert refused.value.message.splitlines() == [
        "nothing to land at:",
        f"  {wrong[0]}: no such file",
        f"  {wrong[1]}: no such file",
        f"  {wrong[2]}: no export file in this directory",
        f"  {wrong[3]}: not a regular file",
    ]


def test_links_that_lead_nowhere_or_to_themselves_are_passed_over(folder: Path) -> None:
    (folder / "nowhere.jsonl").symlink_to("missing")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "here").symlink_to(".")
    found = find_files([str(folder)])
    assert len(found.files) == 5
    assert (found.passed_over["not a regular file"], found.passed_over["linked folders"]) == (2, 1)


def test_no_pattern_at_all_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no file was named"):
        find_files([])
    with pytest.raises(UsageError, match="empty name"):
        find_files([""])
