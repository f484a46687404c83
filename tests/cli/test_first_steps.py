"""What somebody meets who begins: every command says what to do first, and none ends in a traceback."""

import pytest

from tests.support.command_line import Installation, export

LAND_FIRST = "Land files first: mixflows land FILE…"


@pytest.mark.parametrize(
    "command", [["plan"], ["run"], ["run", "--no-prefect"], ["backfill"], ["backfill", "--dry-run"]]
)
def test_days_cannot_be_processed_before_anything_is_landed(command: list[str], empty: Installation) -> None:
    for state in ("no file", "no table"):
        ended = empty.run(*command, code=1)
        assert ended.err.startswith("error: table mp_master_event is not "), state
        assert "mixflows.duckdb" in ended.err
        assert LAND_FIRST in ended.err
        assert not ended.out
        empty.run("init")


def test_status_before_anything_is_landed_says_so(empty: Installation) -> None:
    assert LAND_FIRST in empty.run("status").out
    assert empty.run("status", "--json").json == {"days": [], "due": [], "rows_without_day": 0}


def test_a_report_of_nothing_can_be_written(empty: Installation) -> None:
    empty.run("init")
    empty.run("report")
    assert "Nothing has been published yet." in (empty.folder / "mixflows-report.html").read_text(encoding="utf-8")


def test_init_writes_settings_that_hold_and_is_safe_to_repeat(empty: Installation) -> None:
    first = empty.run("init").out
    assert "wrote mixflows.toml" in first
    assert "created mp_day_profiles, mp_landings, mp_malformed_records, mp_partition_runs, mp_quality_results" in first
    settings = empty.folder / "mixflows.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"first" ', '"latest"'), encoding="utf-8")
    before = settings.read_text(encoding="utf-8")
    assert empty.run("init").out == "mixflows.duckdb: everything is there\n"
    assert settings.read_text(encoding="utf-8") == before


def test_a_backfill_of_an_empty_source_has_nothing_to_do(landed: Installation) -> None:
    landed.change("DELETE FROM mp_master_event", "DELETE FROM mp_landings")
    assert landed.run("backfill", "--no-prefect").out.startswith("Nothing to do")
    assert landed.run("backfill", "--no-prefect", "--json").json["days"] == []


def test_a_first_day_from_landing_to_report(empty: Installation) -> None:
    empty.write("export.jsonl", export(days=1, rows=5))
    assert empty.run("land", "export.jsonl").out == "export.jsonl: 5 lines, 5 source rows on 1 day\n"
    assert "1 day, 5 source rows: 1 published." in empty.run("run", "--no-prefect").out
    assert "1 day published, up to 2024-01-01; 0 blocked, 0 failed; 0 due." in empty.run("status").out
    assert empty.run("report", "--out", "r.html").out == "wrote r.html\n"
