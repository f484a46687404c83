"""Roles of other types than landed files have: a day as a midnight TIMESTAMP, an arrival as text; with every command."""

from pathlib import Path

import pytest

from tests.support.command_line import Installation

pytestmark = pytest.mark.xdist_group("role types")

DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
TYPES = {
    "instants at midnight": ("TIMESTAMP WITH TIME ZONE", "BIGINT"),
    "midnights and texts": ("TIMESTAMP", "VARCHAR"),
}


def source(day_type: str, arrival_type: str) -> str:
    """Three days of 40 events of a user's own table; on the second, half of them came twice."""
    return f"""
    SET TimeZone = 'UTC';
    CREATE TABLE mp_master_event AS
    SELECT 'view' AS mp_event_name, 'u' || n AS distinct_id, day || '-' || n AS mp_insert_id,
      (TIMESTAMP '2024-01-01 01:00:00' + to_days(day) + to_seconds(n)) AT TIME ZONE 'UTC' AS time,
      CAST(1704067200000 + (day * 86400 + 3600 + n + copy) * 1000 AS {arrival_type}) AS mp_processing_time_ms,
      CAST(DATE '2024-01-01' + CAST(day AS INTEGER) AS {day_type}) AS partition_date,
      CAST('{{"plan": "free"}}' AS JSON) AS properties,
      TIMESTAMP '2024-02-01 00:00:00' AT TIME ZONE 'UTC' AS loaded_at
    FROM range(3) d(day), range(40) r(n), range(2) c(copy)
    WHERE copy = 0 OR (day = 1 AND n < 20)
    """


@pytest.fixture(scope="module", params=TYPES.values(), ids=TYPES.keys())
def run_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = Installation(tmp_path_factory.mktemp("types"))
    place.write("mixflows.toml", "[quality]\nmin_rows = 10\n")
    place.run("init")
    place.change("DROP TABLE IF EXISTS mp_master_event", source(*request.param))
    place.run("run", "--no-prefect", "--as-of", DAYS[-1], code=3)
    return place


@pytest.fixture
def processed(run_once: Installation, tmp_path: Path) -> Installation:
    return run_once.copied_to(tmp_path)


def test_the_days_are_published_and_blocked(processed: Installation) -> None:
    assert processed.published() == [(DAYS[0], processed.published()[0][1]), (DAYS[2], processed.published()[1][1])]
    assert processed.rows("SELECT count(*), min(typeof(partition_date)) FROM mp_events") == [(80, "DATE")]


def test_commands_that_look(processed: Installation) -> None:
    planned = processed.run("plan", "--mode", "all", "--start", DAYS[0], "--end", DAYS[1], "--json").json
    assert [(day["day"], day["source_rows"]) for day in planned["days"]] == [(DAYS[0], 40), (DAYS[1], 60)]
    processed.run("plan", "--mode", "all", "--price")
    assert "2 days published, up to 2024-01-03; 1 blocked, 0 failed; 0 due." in processed.run("status").out
    assert [day["partition_date"] for day in processed.run("status", "--json").json["days"]] == list(DAYS)
    processed.run("doctor")
    for kind in ("html", "json", "markdown"):
        processed.run("report", "--format", kind)
    for words in (("list",), ("try",), ("try", "--day", DAYS[1]), ("suggest",), ("explain", "duplicate_rate")):
        processed.run("expectations", *words)


def test_inspect_explain_and_release(processed: Installation) -> None:
    found = processed.run("inspect", DAYS[1], "--json").json
    assert (found["facts"]["source rows"], found["facts"]["exact duplicates"]) == (60, 20)
    assert {sample["exact"] for sample in found["samples"]} == {True}
    assert "is blocked" in processed.run("inspect", DAYS[1]).out
    copies = processed.run("explain", "--insert-id", "1-7", "--json").json
    assert [(copy["day"], copy["place"]) for copy in copies] == [(DAYS[1], "source only")] * 2
    assert len({copy["arrived_at"] for copy in copies}) == 2
    processed.run("explain", "--insert-id", "1-7", "--day", DAYS[1])
    processed.run("release", DAYS[1], "--because", "twice")
    told = processed.run("explain", "--insert-id", "1-7", "--json").json
    assert [copy["place"] for copy in told] == ["mp_events", "mp_rejected_events"]
    processed.run("backfill", "--mode", "all", "--no-prefect", "--set", "quality.duplicate_rate.critical=0.5")
    assert processed.rows("SELECT count(*) FROM mp_events") == [(120,)]


ODD = {
    "days that are no dates": (
        "DATE",
        "'infinity'::DATE, '-infinity'::DATE, '5874897-12-31'::DATE, '0001-01-01'::DATE, NULL",
    ),
    "instants that are no midnights": ("TIMESTAMP", "'2024-01-01 01:00'::TIMESTAMP, 'infinity'::TIMESTAMP, NULL"),
    "instants of a zone that are no midnights": (
        "TIMESTAMPTZ",
        "'2024-01-01 01:00Z'::TIMESTAMPTZ, '-infinity'::TIMESTAMPTZ",
    ),
}


@pytest.mark.parametrize(("kind", "values"), ODD.values(), ids=list(ODD))
def test_rows_without_a_day_are_counted_and_stop_nothing(kind: str, values: str, empty: Installation) -> None:
    empty.write("mixflows.toml", "[quality]\nmin_rows = 10\n")
    empty.change(
        source(kind, "BIGINT"),
        f"INSERT INTO mp_master_event BY NAME SELECT unnest([{values}]) AS partition_date, 'x' AS mp_insert_id",
    )
    empty.run("init")
    ((odd,),) = empty.rows("SELECT count(*) FROM mp_master_event WHERE mp_insert_id = 'x'")
    assert f"{odd} source rows belong to no day" in empty.run("plan").out
    empty.run("run", "--no-prefect", "--as-of", DAYS[-1], code=3)
    assert empty.rows("SELECT count(*) FROM mp_events") == [(80,)]
    told = empty.run("status", "--json").json
    assert (told["rows_without_day"], told["totals"]["held_back"]) == (odd, 60 + odd)
    for words in (("inspect", DAYS[1]), ("doctor",), ("report", "--format", "json"), ("explain", "--insert-id", "0-1")):
        empty.run(*words)


NO_INSTANTS = ("9223372036854775807", "-9223372036854775808", "8999999999999999")


def test_an_arrival_that_is_no_instant_is_one_that_is_not_known(empty: Installation) -> None:
    empty.write("mixflows.toml", "[quality]\nmin_rows = 10\n")
    empty.run("init")
    empty.change(
        source("DATE", "BIGINT"),
        *(
            f"UPDATE mp_master_event SET mp_processing_time_ms = {arrival} WHERE mp_insert_id = '0-{n}'"
            for n, arrival in enumerate(NO_INSTANTS)
        ),
    )
    empty.run("run", "--no-prefect", "--as-of", DAYS[-1], code=3)
    assert empty.rows("SELECT count(*) FROM mp_events") == [(80,)]
    for n, arrival in enumerate(NO_INSTANTS):
        copies = empty.run("explain", "--insert-id", f"0-{n}", "--json").json
        assert [copy["place"] for copy in copies] == ["mp_events"], arrival
    empty.run("inspect", DAYS[0])
    empty.run("report", "--format", "json")
