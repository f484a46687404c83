"""`mixflows land`: good files, and every kind of bad one."""

import gzip
from pathlib import Path

import pytest

from tests.support.command_line import Installation, export

LINES = export(days=1, rows=5)


def test_json_tells_what_was_landed(empty: Installation) -> None:
    empty.write("export.jsonl", export(days=2, rows=3) + "not json\n")
    (landing,) = empty.run("land", "export.jsonl", "--json").json["landed"]
    assert (landing["file_name"], landing["lines"], landing["source_rows"]) == ("export.jsonl", 7, 6)
    assert landing["malformed_rows"] == 1
    assert landing["rows_per_day"] == [["2024-01-01", 3], ["2024-01-02", 3]]


def test_no_file_at_all_is_wrong_usage(empty: Installation) -> None:
    assert "Missing argument 'FILE…'" in empty.run("land", code=2).err


@pytest.mark.parametrize(
    ("name", "content", "code", "sentence"),
    [
        ("absent.jsonl", None, 2, "absent.jsonl: no such file"),
        ("cut.jsonl.gz", gzip.compress(LINES.encode())[:-20], 1, "is gzip that was cut off before its end"),
        ("early.jsonl", (LINES + "terminated early\n").encode(), 1, "ends with `terminated early`"),
        ("array.json", b"[" + LINES.splitlines()[0].encode() + b"]", 1, "is a JSON array, not JSON lines"),
        ("table.parquet", b"no parquet at all", 1, "is not a Parquet file"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(
    name: str, content: bytes | None, code: int, sentence: str, empty: Installation
) -> None:
    if content is not None:
        (empty.folder / name).write_bytes(content)
    ended = empty.run("land", name, code=code)
    assert ended.err.startswith("error: ")
    assert sentence in ended.err
    assert not ended.out


def test_the_same_content_is_landed_once_unless_one_insists(empty: Installation) -> None:
    empty.write("first.jsonl", LINES)
    (empty.folder / "second.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    empty.run("land", "first.jsonl")
    refused = empty.run("land", "second.jsonl.gz", code=1)
    assert "was landed before, as first.jsonl" in refused.err
    assert "--again" in refused.err
    empty.run("land", "second.jsonl.gz", "--again")
    empty.run("run", "--no-prefect", "--set", "quality.min_rows=100")
    assert empty.rows("SELECT count(*) FROM mp_events") == [(5,)]
    assert empty.rows("SELECT count(*) FROM mp_rejected_events") == [(5,)]


def test_a_refused_file_does_not_stop_the_others(empty: Installation) -> None:
    folder = Path(empty.folder / "exports")
    folder.mkdir()
    (folder / "a.json").write_text("[]\n", encoding="utf-8")
    (folder / "b.jsonl").write_text(LINES, encoding="utf-8")
    (folder / "notes.txt").write_text("not an export", encoding="utf-8")
    ended = empty.run("land", "exports", "--json", code=1)
    assert [landing["file_name"] for landing in ended.json["landed"]] == ["b.jsonl"]
    assert [refused.split(":")[0].split(" ")[0] for refused in ended.json["refused"]] == ["exports/a.json"]
    assert "JSON array" in ended.err


def test_a_file_of_any_name_is_landed_where_it_is_named_itself(empty: Installation) -> None:
    empty.write("download.txt", LINES)
    assert "5 source rows" in empty.run("land", "download.txt").out


def test_a_file_of_nothing_is_landed_as_nothing(empty: Installation) -> None:
    empty.write("empty.jsonl", "")
    assert empty.run("land", "empty.jsonl").out == "empty.jsonl: 0 lines, 0 source rows on 0 days\n"
