"""Commands that only read create nothing: no file where there is no warehouse, no table where one is missing."""

from pathlib import Path

import duckdb
import pytest

from tests.support.command_line import Installation, export

READING = [
    ["status"],
    ["status", "--json"],
    ["plan"],
    ["plan", "--price"],
    ["backfill", "--dry-run"],
    ["report"],
    ["report", "--out", "-"],
    ["doctor"],
    ["explain", "--insert-id", "x"],
    ["inspect", "2024-01-01"],
    ["expectations", "list"],
    ["expectations", "explain", "duplicate_rate"],
    ["expectations", "try"],
    ["expectations", "suggest"],
    ["expectations", "export", "--out", "-"],
]
NEED_NO_WAREHOUSE = ("list", "export")
NEXT_STEP = "mixflows land"
WRITING = [["run", "--no-prefect"], ["run"], ["backfill"], ["release", "2024-01-01", "--because", "x"]]


def named(words: list[str]) -> str:
    return " ".join(words)


@pytest.mark.parametrize("words", READING + WRITING, ids=named)
def test_without_a_warehouse_the_next_step_is_said_and_no_file_is_made(words: list[str], empty: Installation) -> None:
    ok = words[0] in ("status", "doctor") or any(word in NEED_NO_WAREHOUSE for word in words)
    ended = empty.run(*words, code=0 if ok else 1)
    said = ended.out + ended.err
    if "--json" not in words and not any(word in NEED_NO_WAREHOUSE for word in words):
        assert "mixflows.duckdb" in said
        assert NEXT_STEP in said
    assert list(empty.folder.iterdir()) == []


@pytest.mark.parametrize("words", READING, ids=named)
def test_a_warehouse_in_a_missing_folder_is_looked_for_and_not_made(words: list[str], empty: Installation) -> None:
    empty.write("mixflows.toml", "[warehouse]\npath = 'gone/w.duckdb'\n")
    if any(word in NEED_NO_WAREHOUSE for word in words):
        empty.run(*words)
    else:
        said = empty.run(*words, code=1)
        assert "warehouse.path" in said.out + said.err
        assert "--config" in said.out + said.err
        assert "Make it" not in said.out + said.err
    assert [path.name for path in empty.folder.iterdir()] == ["mixflows.toml"]


@pytest.mark.parametrize("words", READING, ids=named)
def test_in_a_file_with_a_source_alone_no_table_is_made(words: list[str], empty: Installation) -> None:
    file = str(empty.folder / "mixflows.duckdb")
    with duckdb.connect(file) as connection:
        connection.execute(
            "CREATE TABLE mp_master_event AS SELECT 'view' AS mp_event_name, 'a' AS mp_insert_id, 'u' AS distinct_id,"
            " TIMESTAMPTZ '2024-01-01 12:00:00+00' AS time"
        )
    ok = words[0] in ("status", "doctor", "report") or any(word in NEED_NO_WAREHOUSE for word in words)
    ended = empty.run(*words, code=0 if ok else 1)
    if not ok or words == ["status"]:
        assert "mixflows init" in ended.out + ended.err
    with duckdb.connect(file) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mp_master_event",)]
    assert {path.name for path in empty.folder.iterdir()} <= {"mixflows.duckdb", "mixflows-report.html"}


@pytest.fixture(scope="module")
def landed_twice(landed_once: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The second file has a property more."""
    place = landed_once.copied_to(tmp_path_factory.mktemp("twice"))
    more = export(days=1, rows=3, first_day=9).replace('"distinct_id"', '"customer_id": "c", "distinct_id"')
    place.write("more.jsonl", more)
    place.run("land", "more.jsonl")
    return place


@pytest.mark.parametrize("words", READING, ids=named)
def test_after_a_first_landing_everything_can_be_read(
    words: list[str], landed_twice: Installation, tmp_path: Path
) -> None:
    place = landed_twice.copied_to(tmp_path)
    before = place.rows("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1")
    place.run(*words, code=1 if words[0] == "explain" else 0)
    assert place.rows("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1") == before


@pytest.mark.parametrize("words", READING, ids=named)
def test_a_new_column_of_the_source_stops_no_reader(words: list[str], backfilled: Installation) -> None:
    backfilled.change("ALTER TABLE mp_master_event ADD COLUMN brand_new VARCHAR")
    before = backfilled.rows("SELECT table_name, column_name FROM duckdb_columns() ORDER BY ALL")
    backfilled.run(*words, code=1 if words[0] == "explain" else 0)
    after = backfilled.rows("SELECT table_name, column_name FROM duckdb_columns() ORDER BY ALL")
    if words[0] == "inspect":  # it stages the day, which takes published tables with all columns of the source
        after = [row for row in after if row[1] != "brand_new" or row[0] == "mp_master_event"]
    assert after == before
