"""`init --adopt`: days of a table that is there already are taken over where a run would publish the same."""

from datetime import date
from pathlib import Path

import pytest

from tests.support.command_line import Installation, days_of, export

ROWS = 40
WINNERS = (
    "CREATE TABLE mp_old AS SELECT * FROM mp_master_event"
    " QUALIFY row_number() OVER (PARTITION BY mp_insert_id, time ORDER BY mp_processing_time_ms) = 1"
)
BLOCKED, DIFFERS, NEW, GONE = (date(2024, 1, day) for day in (2, 3, 5, 9))


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    """Five days, half of the second delivered twice; and a table of winners.

    On the third day the table lacks one event and has another content of a second, the fifth it lacks, and one day it has alone.
    """
    made = Installation(tmp_path)
    made.write("mixflows.toml", "[quality]\nmin_rows = 10\n")
    made.write("export.jsonl", export(days=5, rows=ROWS, twice={1: 20}))
    made.run("land", "export.jsonl")
    made.change(
        WINNERS,
        f"DELETE FROM mp_old WHERE partition_date = '{NEW}' OR mp_insert_id = '2-0'",
        "UPDATE mp_old SET distinct_id = 'another' WHERE mp_insert_id = '2-1'",
        f"INSERT INTO mp_old BY NAME SELECT * REPLACE (DATE '{GONE}' AS partition_date) FROM mp_old LIMIT 3",
    )
    return made


def test_equal_days_are_taken_over_and_the_others_are_named_and_due(place: Installation) -> None:
    said = place.run("init", "--adopt", "mp_old").out
    assert "3 days taken over, 120 events." in said
    assert f"{DIFFERS}: 2 events only in what a run would publish, 1 only in mp_old" in said
    assert f"1 day of mp_old not taken over, as the source has no row of them: {GONE}." in said
    ledger = place.rows("SELECT partition_date, status, plan_reason, kept_rows FROM mp_partition_runs ORDER BY 1")
    taken = [date(2024, 1, day) for day in (1, 2, 4)]
    assert ledger == [(day, "published", "adopted", ROWS) for day in taken]
    ((note,),) = place.rows(f"SELECT note FROM mp_partition_runs WHERE partition_date = '{BLOCKED}'")
    assert note.startswith("adopted: equal to mp_old (33.33 % of 60 rows are duplicates"), "the gate's verdict is kept"
    both = "SELECT mp_insert_id, distinct_id FROM {} WHERE partition_date = ANY (SELECT partition_date FROM mp_events)"
    assert sorted(place.rows(both.format("mp_events"))) == sorted(place.rows(both.format("mp_old")))
    due = place.run("plan", "--json").json["days"]
    assert [(day["day"], day["reason"]) for day in due] == [(str(DIFFERS), "new"), (str(NEW), "new")]

    assert "0 days taken over" in place.run("init", "--adopt", "mp_old").out
    place.run("run", "--no-prefect")
    assert place.rows("SELECT count(*) FROM mp_events") == [(5 * ROWS,)]
    assert days_of(place.run("plan", "--json").json["days"]) == []


def test_columns_that_one_side_lacks_are_left_out_and_named(place: Installation) -> None:
    place.change("ALTER TABLE mp_old DROP COLUMN loaded_at", "ALTER TABLE mp_old ADD COLUMN batch INTEGER")
    said = place.run("init", "--adopt", "mp_old").out
    assert "not on loaded_at." in said
    assert "3 days taken over" in said


@pytest.mark.parametrize(
    ("table", "change", "sentence"),
    [
        ("mp_nowhere", "SELECT 1", "mixflows.duckdb\nName the deduplicated table after --adopt"),
        ("mp_events", "SELECT 1", "both name the table mp_events"),
        ("mp_old", "ALTER TABLE mp_old DROP COLUMN partition_date", "no column partition_date of the source's type"),
        ("mp_old", "ALTER TABLE mp_old DROP COLUMN mp_insert_id", "table mp_old has no column 'mp_insert_id'"),
    ],
)
def test_what_cannot_be_compared_is_refused(place: Installation, table: str, change: str, sentence: str) -> None:
    place.change(change)
    ended = place.run("init", "--adopt", table, code=2 if table == "mp_events" else 1)
    assert sentence in ended.err
    assert place.rows("SELECT count(*) FROM mp_partition_runs") == [(0,)]
