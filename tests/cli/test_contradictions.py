"""Settings that contradict each other are exit code 2, in one sentence, before anything is written."""

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from mixflows.errors import SettingsError
from mixflows.settings import Settings, TableSettings, load_settings, parse_assignments
from mixflows.settings.load import refuse_secrets
from tests.support.command_line import Installation

ON_BIGQUERY = ["warehouse.engine=bigquery", "bigquery.project=p"]
ROLES = tuple(TableSettings.model_fields)


def refused(*assignments: str) -> str:
    with pytest.raises(SettingsError) as told:
        load_settings(None, parse_assignments(assignments))
    return str(told.value)


@pytest.mark.parametrize("command", ["init", "status", "plan", "run", "land", "report", "doctor"])
@pytest.mark.parametrize(
    ("contradiction", "names"),
    [
        ("tables.events=mp_master_event", ("tables.events", "tables.source", "mp_master_event")),
        ("columns.insert_id=time", ("columns.insert_id", "columns.time")),
        ("warehouse.path=:memory:", ("warehouse.path", ":memory:")),
    ],
)
def test_every_command_refuses_a_contradiction_and_writes_nothing(
    command: str, contradiction: str, names: tuple[str, ...], empty: Installation
) -> None:
    words = [command, "nowhere.jsonl"] if command == "land" else [command]
    ended = empty.run(*words, "--set", contradiction, code=2)
    assert all(name in ended.err for name in names)
    assert not ended.out
    assert list(empty.folder.iterdir()) == []


def test_a_source_is_untouched_by_a_run_that_would_publish_into_it(backfilled: Installation) -> None:
    before = backfilled.rows("SELECT count(*), sum(hash(COLUMNS(*))) FROM mp_master_event")
    backfilled.run("backfill", "--no-prefect", "--mode", "all", "--set", "tables.rejected=MP_Master_Event", code=2)
    assert backfilled.rows("SELECT count(*), sum(hash(COLUMNS(*))) FROM mp_master_event") == before


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", [[], ON_BIGQUERY], ids=["duckdb", "bigquery"])
def test_no_two_tables_have_one_name_whatever_its_case(role: str, place: list[str]) -> None:
    other = ROLES[ROLES.index(role) - 1]
    said = refused(*place, f"tables.{role}=One_Table", f"tables.{other}=one_table")
    assert f"tables.{role}" in said
    assert f"tables.{other}" in said


def test_tables_of_two_datasets_may_have_one_name() -> None:
    same = ("tables.events=Events", "tables.source=events")
    elsewhere = load_settings(None, parse_assignments([*ON_BIGQUERY, *same, "bigquery.source_dataset=theirs"]))
    assert elsewhere.tables.source == "events"
    load_settings(None, parse_assignments([*ON_BIGQUERY, *same, "bigquery.source_project=theirs"]))
    assert "tables.source" in refused(*ON_BIGQUERY, *same, "bigquery.source_dataset=mixpanel")
    assert "tables.source" in refused(*same, "bigquery.source_dataset=theirs")


@pytest.mark.parametrize("name", ["mf__events", "stg_mp_copies_20240101_abc_1", "STG_MP_dedup_events_20240101_abc_1"])
def test_names_of_short_lived_tables_are_reserved(name: str) -> None:
    for role in ("source", "events", "reasons_view"):
        assert f"tables.{role}" in refused(f"tables.{role}={name}")
    assert load_settings(None, parse_assignments(["tables.source=stg_mp_events"])).tables.source == "stg_mp_events"


def test_the_table_of_claims_is_no_other_table() -> None:
    assert "tables.ledger" in refused(*ON_BIGQUERY, "tables.ledger=MP_Day_Claims")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("insert_id", "distinct_id"),
        ("event_name", "distinct_id"),
        ("time", "event_name"),
        ("time", "arrival"),
        ("time", "loaded_at"),
        ("time", "day"),
        ("arrival", "day"),
        ("loaded_at", "day"),
        ("insert_id", "customer_id"),
        ("day", "customer_id"),
    ],
)
def test_a_column_plays_no_two_roles_that_exclude_each_other(first: str, second: str) -> None:
    said = refused(f"columns.{first}=One", f"columns.{second}=one")
    assert f"columns.{first}" in said
    assert f"columns.{second}" in said


def test_one_column_may_tell_arrival_and_loading_or_user_and_customer() -> None:
    columns = load_settings(
        None, parse_assignments(["columns.arrival=loaded_at", "columns.customer_id=distinct_id"])
    ).columns
    assert (columns.arrival, columns.customer_id) == ("loaded_at", "distinct_id")


@pytest.mark.parametrize("role", ["insert_id", "time", "event_name", "distinct_id", "customer_id"])
def test_a_column_of_the_event_is_not_about_the_copy(role: str) -> None:
    said = refused(f"columns.{role}=Mine", 'columns.about_the_copy=["mine"]')
    assert "columns.about_the_copy" in said
    assert f"columns.{role}" in said


@pytest.mark.parametrize(
    "path",
    ["", " ", ".", "folder", "new/", ":memory:", ":memory:x", "md:x", "md:", "s3://b/x.duckdb", "/dev/null", "-"],
)
def test_a_warehouse_is_a_plain_file(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "warehouse.path" in refused(f"warehouse.path={path}")
    settings = tmp_path / "folder" / "mixflows.toml"
    settings.write_text(f'[warehouse]\npath = "{path.replace("folder", ".")}"\n')
    with pytest.raises(SettingsError, match=r"warehouse\.path"):
        load_settings(settings)


@pytest.mark.parametrize("path", ["gs://bucket/report.html", "folder", "", "Warehouse.duckdb", "-"])
def test_a_report_is_a_file_and_not_the_warehouse(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "report.path" in refused(f"report.path={path}", "warehouse.path=./Warehouse.duckdb")


class Section(BaseModel):
    token: SecretStr | None = None
    name: str = ""


class WithSecret(Settings):
    section: Section = Section()


def test_a_secret_setting_is_not_taken_from_set() -> None:
    refuse_secrets(WithSecret, {"section": {"name": "x"}}, "--set")
    with pytest.raises(SettingsError) as told:
        refuse_secrets(WithSecret, {"section": {"token": "abc123"}}, "--set")
    assert "section.token" in told.value.message
    assert "MIXFLOWS_SECTION__TOKEN" in told.value.hint
    assert "abc123" not in str(told.value)
