"""Tables and columns whose names differ from the settings in case only: DuckDB takes them for the same."""

from operator import itemgetter
from typing import Any

from tests.support.command_line import Installation, export

BLOCKED = "2024-01-04"
VIEWS = ("mp_duplicate_rate_by_day", "mp_rejected_by_reason", "mp_changed_days")
NAMED_BY_ROLE = ("columns.time=TIME", "columns.insert_id=Mp_Insert_Id", "tables.source=MP_MASTER_EVENT")


def in_capitals(place: Installation) -> None:
    """Gives the source and all its columns names in capitals, as other tools write them."""
    names = [name for (name,) in place.rows("SELECT name FROM pragma_table_info('mp_master_event')")]
    place.change(
        "DROP TABLE mp_events",
        "DROP TABLE mp_rejected_events",
        *(f"DROP VIEW {view}" for view in VIEWS),
        *(f'ALTER TABLE mp_master_event RENAME "{name}" TO {name}_' for name in names),
        *(f'ALTER TABLE mp_master_event RENAME {name}_ TO "{name.upper()}"' for name in names),
        "ALTER TABLE mp_master_event RENAME TO other",
        'ALTER TABLE other RENAME TO "MP_Master_Event"',
    )


def test_a_source_in_capitals_is_processed_like_any_other(
    landed: Installation, backfilled_once: Installation, tmp_path_factory: Any
) -> None:
    usual = backfilled_once.copied_to(tmp_path_factory.mktemp("usual"))
    in_capitals(landed)
    assert landed.run("doctor", "--json").json["exit_code"] == 0
    landed.run("backfill", "--no-prefect", code=3)

    assert landed.run("plan", "--json").json["days"] == []
    event = "SELECT count(*), count(DISTINCT mp_insert_id), min(time)::VARCHAR, max(partition_date) FROM mp_events"
    assert landed.rows(event) == usual.rows(event)
    profile = "SELECT lower(profile->>'$.columns') FROM mp_day_profiles WHERE partition_date = '2024-01-01'"
    assert landed.rows(profile) == usual.rows(profile)
    judged = "SELECT expectation, success, observed_value FROM mp_quality_results WHERE partition_date = '2024-01-01' ORDER BY ALL"
    assert landed.rows(judged) == usual.rows(judged)

    looked, as_usual = (place.run("inspect", BLOCKED, "--json").json for place in (landed, usual))
    assert looked["facts"] == as_usual["facts"]
    what = itemgetter("event", "reason", "exact", "same")
    assert list(map(what, looked["samples"])) == list(map(what, as_usual["samples"]))
    landed.run("release", BLOCKED, "--because", "checked")
    assert [copy["place"] for copy in landed.run("explain", "--insert-id", "3-7", "--json").json] == [
        "mp_events",
        "mp_rejected_events",
    ]
    landed.write("late.jsonl", export(days=1, rows=41))
    landed.run("land", "late.jsonl")
    landed.run("run", "--no-prefect", "--set", "quality.min_rows=1000")
    assert landed.rows("SELECT count(*) FROM mp_events") == [(201,)]
    landed.run("report")


def test_a_setting_may_spell_a_name_in_another_case(landed: Installation) -> None:
    settings = [word for setting in NAMED_BY_ROLE for word in ("--set", setting)]
    landed.run("backfill", "--no-prefect", *settings, code=3)
    assert landed.rows("SELECT count(*) FROM mp_events") == [(160,)]
    landed.run("inspect", BLOCKED, *settings)


def test_own_tables_are_found_in_another_case(backfilled: Installation) -> None:
    words = ("--set", "tables.ledger=MP_Partition_Runs", "--set", "tables.profiles=MP_DAY_PROFILES")
    before = backfilled.rows("SELECT count(*) FROM duckdb_tables()")
    assert len(backfilled.run("status", "--json", *words).json["days"]) == 5
    backfilled.run("backfill", "--no-prefect", "--mode", "blocked", *words, code=3)
    assert backfilled.rows("SELECT count(*) FROM duckdb_tables()") == before
