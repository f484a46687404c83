"""`mixflows land`: good files, and every kind of bad one."""

import gzip
import json
import os
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


def in_milliseconds(lines: str, milliseconds: int) -> str:
    parsed = [json.loads(line) for line in lines.splitlines()]
    for event in parsed:
        event["properties"]["time"] = event["properties"]["time"] * 1000 + milliseconds
    return "".join(json.dumps(event) + "\n" for event in parsed)


@pytest.mark.parametrize("milliseconds", [437, -437])
def test_a_second_export_in_milliseconds_is_noticed(milliseconds: int, empty: Installation) -> None:
    lines = export(days=1, rows=300)
    empty.write("seconds.jsonl", lines)
    empty.write("milliseconds.jsonl", in_milliseconds(lines, milliseconds))
    assert "less than a second" not in empty.run("land", "seconds.jsonl").out
    told = empty.run("land", "milliseconds.jsonl", "--set", "landing.time_unit=ms").out
    assert "300 of 300 sampled rows were landed before with the same insert id" in told
    assert "mixpanel_day" in told


@pytest.mark.parametrize("milliseconds", [0, 1500])
def test_redelivered_and_later_events_are_not_taken_for_such_an_export(milliseconds: int, empty: Installation) -> None:
    lines = export(days=1, rows=300)
    empty.write("seconds.jsonl", lines)
    empty.write("milliseconds.jsonl", in_milliseconds(lines, milliseconds))
    empty.run("land", "seconds.jsonl")
    told = empty.run("land", "milliseconds.jsonl", "--set", "landing.time_unit=ms").out
    assert "less than a second" not in told


def test_what_a_folder_has_beside_exports_is_left_out_and_counted(empty: Installation) -> None:
    for name in ("a.jsonl", ".git/b.jsonl", ".c.jsonl", "schema/events.json", "deep/schema/d.json", "notes.txt"):
        path = empty.folder / "exports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LINES if name == "a.jsonl" else "{}\n", encoding="utf-8")
    ended = empty.run("land", "exports", "--json").json
    assert [landing["file_name"] for landing in ended["landed"]] == ["a.jsonl"]
    assert ended["passed_over"] == {"hidden": 2, "in a schema folder": 2, "not named like an export": 1}
    assert (
        "5 files passed over: 2 hidden, 2 in a schema folder, 1 not named like an export."
        in empty.run("land", "exports").out
    )


def test_a_growing_folder_is_landed_again_and_again(empty: Installation) -> None:
    folder = empty.folder / "exports"
    folder.mkdir()
    for day in range(3):
        (folder / f"{day}.jsonl").write_text(export(days=1, rows=5, first_day=day), encoding="utf-8")
        ended = empty.run("land", "exports", "exports/*.jsonl", "--json")
        assert [landing["file_name"] for landing in ended.json["landed"]] == [f"{day}.jsonl"]
        assert ended.json["landed_before"] == [f"exports/{known}.jsonl" for known in range(day)]
        assert not ended.err
    assert empty.run("land", "exports").out == "3 files landed before: skipped.\n"
    assert empty.rows("SELECT count(*) FROM mp_master_event") == [(15,)]


@pytest.mark.parametrize("packing", ["jsonl", "jsonl.gz"])
def test_a_file_name_that_is_no_text_stops_no_other_file(packing: str, empty: Installation) -> None:
    folder = os.fsencode(empty.folder) + b"/exports"
    Path(os.fsdecode(folder)).mkdir()
    pack = gzip.compress if packing == "jsonl.gz" else bytes
    for day, name in enumerate((b"a", b"b\xff\xfe", b"c\xc3", b"d")):
        path = Path(os.fsdecode(folder + b"/" + name + b"." + packing.encode()))
        path.write_bytes(pack(export(days=1, rows=5, first_day=day).encode()))
    Path(os.fsdecode(folder + b"/bb\xff.json")).write_text("[]", encoding="utf-8")
    ended = empty.run("land", "exports", "--json", code=1)
    assert [landing["source_rows"] for landing in ended.json["landed"]] == [5, 5, 5, 5]
    assert ended.err.count("bb\\xff.json is a JSON array") == 1
    assert empty.rows("SELECT DISTINCT source_file FROM mp_master_event ORDER BY 1") == [
        (f"{name}.{packing}",) for name in ("a", "b\\xff\\xfe", "c\\xc3", "d")
    ]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--whole-days", "2024-01-01", "--again"), "--again"),
        (("--accept-shrink", "2024-01-01"), "--whole-days"),
        (("--whole-days", "2024-01-01", "--accept-shrink", "2024-01-02"), "2024-01-02"),
        (("--whole-days", "2024-01-02..2024-01-01"), "2024-01-01"),
    ],
)
def test_words_that_contradict_each_other_land_nothing(empty: Installation, words: tuple[str, ...], named: str) -> None:
    (empty.folder / "export.jsonl").write_text("")
    assert named in empty.run("land", "export.jsonl", *words, code=2).err


def test_whole_days_supersede_what_earlier_files_said_of_them(empty: Installation) -> None:
    lines = export(days=2, rows=20).splitlines(keepends=True)
    empty.write("first.jsonl", "".join(lines))
    empty.write("second.jsonl", "".join(lines[3:]))
    days = ("--whole-days", "2024-01-01..2024-01-02")
    assert "40 new, 0 restated, 0 unchanged" in empty.run("land", "first.jsonl", *days).out
    again = empty.run("land", "second.jsonl", *days, "--json").json
    assert (again["status"], again["same"], again["gone"], again["days"]) == ("landed", 37, 3, ["2024-01-01"])
    assert "nothing was written" in empty.run("land", "second.jsonl", *days).out
    assert " outside 2024-01-01" in empty.run("land", "first.jsonl", "--whole-days", "2024-01-01", code=1).err
    empty.write("few.jsonl", "".join(lines[::20]))
    every = "--accept-shrink 2024-01-01 --accept-shrink 2024-01-02"
    assert every in empty.run("land", "few.jsonl", *days, code=1).err
    empty.write("third.jsonl", "".join(lines[20:]))
    assert "--accept-shrink 2024-01-01" in empty.run("land", "third.jsonl", *days, code=1).err
    empty.run("land", "third.jsonl", *days, "--accept-shrink", "2024-01-01")
    for wrong in (["third.jsonl", "first.jsonl", *days], ["third.jsonl", "--whole-days", "2024-01-02..2024-01-01"]):
        empty.run("land", *wrong, code=2)
