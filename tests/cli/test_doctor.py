"""`mixflows doctor` on DuckDB: what is found, and the exit code; and a plan that is priced by earlier runs."""

from tests.support.command_line import Installation, export


def states(ended_json: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in ended_json["checks"]}


def test_it_looks_at_the_file_the_columns_and_the_days(empty: Installation) -> None:
    before = empty.run("doctor", "--json")
    assert (before.code, states(before.json)) == (0, {"file": "ok"})
    assert "mixflows land" in before.json["checks"][0]["advice"]

    empty.run("init")
    begun = empty.run("doctor", "--json")
    assert (begun.code, states(begun.json)) == (0, {"file": "ok", "source": "ok"})
    assert "mixflows land" in begun.json["checks"][1]["advice"]

    (empty.folder / "a.jsonl").write_text(export(days=3, rows=4))
    empty.run("land", "a.jsonl")
    after = empty.run("doctor", "--json")

    assert (after.code, set(states(after.json).values())) == (0, {"ok"})
    (days,) = (check for check in after.json["checks"] if check["name"] == "days")
    assert days["finding"] == "3 days, 2024-01-01 to 2024-01-03, 12 rows"


def test_a_failed_check_names_the_setting_and_ends_in_1(empty: Installation) -> None:
    (empty.folder / "a.jsonl").write_text(export(days=3, rows=4))
    empty.run("land", "a.jsonl")

    ended = empty.run("doctor", "--set", "project_timezone=America/Bogota", code=1)
    missing = empty.run("doctor", "--set", "columns.insert_id=nowhere", "--json", code=1)

    assert "12 of 12 sampled rows have an event time on another day in America/Bogota" in ended.out
    assert "project_timezone" in ended.out
    assert states(missing.json)["source columns"] == "failed"


def test_a_source_that_is_no_table_of_bigquery_is_refused_before_anything_is_written(empty: Installation) -> None:
    ended = empty.run("init", "--source", "events", "--set", "bigquery.api_endpoint=http://127.0.0.1:9", code=2)

    assert "'events' names no table" in ended.err
    assert not (empty.folder / "mixflows.toml").exists()


def test_a_dry_run_is_priced_by_the_time_of_earlier_runs(empty: Installation) -> None:
    (empty.folder / "a.jsonl").write_text(export(days=2, rows=4))
    empty.run("land", "a.jsonl")
    first = empty.run("backfill", "--dry-run")
    assert "time unknown before a first run" in first.out

    empty.run("run", "--no-prefect")
    again = empty.run("backfill", "--dry-run", "--mode", "all", "--json")

    assert again.json["price"]["seconds"] > 0
    assert again.json["price"]["bytes_billed"] is None
