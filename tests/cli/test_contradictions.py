"""Settings that contradict each other are exit code 2, in one sentence, before anything is written."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from mixflows.errors import SettingsError
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.settings.load import refuse_secrets
from mixflows.settings.model import TableSettings
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
        ("landing.promote.row_num=INT64", ("landing.promote", "row_num")),
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


@pytest.mark.parametrize("name", ["mf__events", "stg_mp_events_20240101_abc_1", "STG_MP_dedup_events_20240101_abc_1"])
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


@pytest.mark.parametrize("role", ["insert_id", "time", "arrival", "day", "customer_id"])
@pytest.mark.parametrize("column", ["run_id", "Row_Num", "mf__day", "properties"])
def test_no_role_is_played_by_a_column_of_ours(role: str, column: str) -> None:
    assert f"columns.{role} names {column}" in refused(f"columns.{role}={column}")


def test_no_property_is_promoted_to_a_column_that_is_something_else() -> None:
    assert "landing.promote: property '$time'" in refused("columns.time=mp_time", "landing.promote.$time=TIMESTAMP")
    assert "property 'a b' becomes a_b too" in refused('landing.promote={"a b" = "STRING", "a-b" = "STRING"}')
    for own in ("mf__x", "gone_since", "Partition_Date"):
        assert "landing.promote" in refused(f"landing.promote.{own}=STRING")
    theirs = load_settings(None, parse_assignments(["columns.distinct_id=customer_id", "columns.customer_id=none"]))
    assert theirs.promoted_columns == {}, "the default makes room"


def test_versions_are_not_compared_by_a_column_that_is_not_there() -> None:
    said = refused("pipeline.restatements=loaded_at", "columns.loaded_at=none")
    assert "pipeline.restatements" in said
    assert "columns.loaded_at" in said


@pytest.mark.parametrize("size", ["0GB", "0.0 MiB", "32MB", "1gb", "many", "99999999999GB"])
def test_memory_is_a_size_that_the_engine_can_use(size: str) -> None:
    assert "warehouse.memory_limit" in refused(f"warehouse.memory_limit={size}")


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
    assert "not UTF-8" in refused("warehouse.path=\udcff.duckdb")
    settings = tmp_path / "folder" / "mixflows.toml"
    settings.write_text(f'[warehouse]\npath = "{path.replace("folder", ".")}"\n')
    with pytest.raises(SettingsError, match=r"warehouse\.path"):
        load_settings(settings)


@pytest.mark.parametrize(
    "place", ["", "bucket", "s3://bucket", "gs://", "gs://UPPER", "gs://bucket/a*", "gs://bucket//a", "gs://bucket/.."]
)
def test_a_bucket_is_named_by_its_address(place: str) -> None:
    assert "landing.bucket" in refused(f"landing.bucket={place}")


def test_a_bucket_may_be_given_with_a_folder_or_not_at_all() -> None:
    for given, held in (("gs://bucket/", "gs://bucket"), ("gs://a.b-c/d=1/e", "gs://a.b-c/d=1/e"), ("none", None)):
        assert load_settings(None, parse_assignments([f"landing.bucket={given}"])).landing.bucket == held


@pytest.mark.parametrize("path", ["gs://bucket/report.html", "folder", "", "-"])
def test_a_report_is_a_file(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "report.path" in refused(f"report.path={path}")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("report.path", "warehouse.path"),
        ("report.path", "bigquery.key_file"),
        ("bigquery.key_file", "warehouse.path"),
        ("fetch.folder", "warehouse.path"),
        ("fetch.folder", "report.path"),
    ],
)
def test_no_path_plays_two_roles(first: str, second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("Place")
    for place in ("Place", "./Place", "link"):
        said = refused(f"{first}={place}", f"{second}={tmp_path}/Place")
        assert first in said
        assert second in said


@pytest.mark.parametrize("setting", ["report.path", "warehouse.path", "bigquery.key_file", "fetch.folder"])
def test_the_settings_file_is_no_other_file(setting: str, tmp_path: Path) -> None:
    section, _, name = setting.partition(".")
    file = tmp_path / "mixflows.toml"
    for place in ("mixflows.toml", str(file)):
        file.write_text(f'[{section}]\n{name} = "{place}"\n', encoding="utf-8")
        with pytest.raises(SettingsError, match=setting.replace(".", r"\.")):
            load_settings(file)


def test_every_number_has_limits() -> None:
    """A number that an engine or the calendar cannot take is found before any work."""

    def unlimited(schema: Any, name: str = "") -> list[str]:
        found: list[str] = []
        if schema.get("type") in ("integer", "number") and not ("minimum" in schema and "maximum" in schema):
            found.append(name)
        for key, part in [*schema.get("properties", {}).items(), *schema.get("$defs", {}).items()]:
            found += unlimited(part, f"{name}.{key}")
        for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
            found += unlimited(part, name)
        return found

    assert unlimited(Settings.model_json_schema()) == []
    assert "source_keeps_days" in refused("pipeline.source_keeps_days=1000000000")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "[/vip]", "http://", "http://a b"])
def test_a_report_links_to_servers_only(address: str) -> None:
    assert "report.prefect_ui" in refused(f"report.prefect_ui={address}")


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
