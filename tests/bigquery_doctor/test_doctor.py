"""The doctor finds what would make a run fail or dear, and says what to do about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, diagnose, open_warehouse
from mixflows.warehouse.bigquery.doctor import READ
from mixflows.warehouse.bigquery.tables import LANDED_BY
from mixflows.warehouse.checks import Check, CheckState
from tests.bigquery_doctor.conftest import SCHEMATIZED, Mixpanel
from tests.bigquery_engine.faults import Fault, Request, Says, proxy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS = (
    "mp_events", "mp_rejected_events", "mp_partition_runs", "mp_quality_results", "mp_day_profiles", "mp_landings", "mp_malformed_records",
)  # fmt: skip
DAILY = bigquery.TimePartitioning(field="partition_date")


def look(settings: Settings) -> dict[str, Check]:
    """Checks by name; of several with one name, the worst."""
    order = list(CheckState)
    return {c.name: c for c in sorted(diagnose(settings), key=lambda c: order.index(c.state) % 3)}


def three_days(mixpanel: Mixpanel, hours_later: int = 0) -> None:
    table = mixpanel.table(SCHEMATIZED | {"partition_date": "DATE"}, DAILY, "mp_master_event")
    rows: list[dict[str, Any]] = []
    for n in range(6):
        day = NOON + timedelta(days=n % 3)
        at = day + timedelta(hours=hours_later)
        rows.append(
            {
                "mp_event_name": "Open",
                "time": at.isoformat(),
                "distinct_id": "person-of-the-source",
                "mp_insert_id": f"i{n}",
                "partition_date": day.date().isoformat(),
            }
        )
    mixpanel.fill(table, rows)


def test_an_installation_that_is_ready_has_nothing_failed(mixpanel: Mixpanel) -> None:
    three_days(mixpanel)
    settings = mixpanel.settings(bigquery={"maximum_bytes_billed": 10**9})
    before = look(settings)
    assert before["tables"].state is CheckState.FAILED
    assert before["tables"].advice == "Run: mixflows init"
    assert before["JSON text function"].state is CheckState.FAILED

    open_warehouse(settings).create_tables()

    checks = look(settings)
    assert {name: check for name, check in checks.items() if check.state is not CheckState.OK} == {}
    assert checks["days"].finding == "3 days, 2026-03-01 to 2026-03-03, 6 rows"
    assert checks["day = DATE(time)"].finding == "holds in UTC for 6 sampled rows of 3 days"
    assert "person-of-the-source" not in str(checks)


def test_days_of_another_time_zone_are_counted_and_the_setting_is_named(mixpanel: Mixpanel) -> None:
    three_days(mixpanel, hours_later=13)

    check = look(mixpanel.settings())["day = DATE(time)"]

    assert check.state is CheckState.FAILED
    assert check.finding == "6 of 6 sampled rows have an event time on another day in UTC"
    assert "project_timezone" in check.advice
    in_their_zone = look(mixpanel.settings(project_timezone="America/Bogota"))  # pyright: ignore[reportArgumentType]
    assert in_their_zone["day = DATE(time)"].state is CheckState.OK


def test_what_is_not_where_the_settings_say_is_named_with_the_next_step(mixpanel: Mixpanel) -> None:
    three_days(mixpanel)
    view = f"{mixpanel.source_dataset}.a_view"
    mixpanel.client.query(f"CREATE VIEW `{view}` AS SELECT 1 AS one").result()
    for sections, name, finding, advice in (
        ({"bigquery": {"dataset": "nowhere"}}, "dataset", "nowhere is not there", "bq --location=US mk"),
        ({"bigquery": {"location": "EU"}}, "source dataset", "is in US", 'Set bigquery.location = "US"'),
        ({"tables": {"source": "nowhere"}}, "source", "is not there", "`mixflows land`"),
        ({"tables": {"source": "a_view"}}, "source", "is a view, not a table", "Name the table under it"),
        ({"columns": {"insert_id": "nowhere"}}, "source", "has no column 'nowhere'", "Its columns are"),
        ({"columns": {"time": "city"}}, "source", "columns.time must be TIMESTAMP", "Name another column"),
    ):
        found = look(mixpanel.settings(**sections))
        check = found.get(name) or found["staging dataset"]
        assert check.state is CheckState.FAILED, (sections, found)
        assert finding in check.finding
        assert advice in check.advice


def test_the_right_to_write_the_source_is_asked_for_where_land_created_it(mixpanel: Mixpanel) -> None:
    """The server grants whatever is asked for, so that a proxy answers as for somebody who may only read."""
    three_days(mixpanel)
    settings = mixpanel.settings()
    open_warehouse(settings).create_tables()
    if settings.bigquery.api_endpoint is None:
        pytest.skip("rights are taken away between the client and a server on loopback")

    def reads_only(request: Request) -> Fault:
        return Says({"permissions": list(READ)}) if "testIamPermissions" in request.path else None

    def missing() -> dict[str, str]:
        with proxy(str(settings.bigquery.api_endpoint), reads_only) as address:
            checks = list(diagnose(mixpanel.settings(bigquery={"api_endpoint": address})))
            close_warehouses()
        found = [check.finding for check in checks if check.name == "rights" and check.state is CheckState.FAILED]
        return {table.rpartition(".")[2]: what for table, _, what in (finding.partition(": ") for finding in found)}

    to_write = "bigquery.tables.update, bigquery.tables.updateData missing"
    assert missing() == dict.fromkeys((*OURS, "mp_day_claims"), to_write)
    source = mixpanel.client.get_table(f"{mixpanel.source_dataset}.mp_master_event")
    source.labels = LANDED_BY
    mixpanel.client.update_table(source, ["labels"])
    assert missing() == dict.fromkeys((*OURS, "mp_day_claims", "mp_master_event"), to_write)
    assert look(settings)["source"].finding.endswith(".mp_master_event is a table, written by mixflows")


def test_credentials_that_cannot_be_read_are_told_before_anything_else(
    mixpanel: Mixpanel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = tmp_path_factory.mktemp("key") / "key.json"
    key.write_text("{}")

    (check,) = diagnose(mixpanel.settings(bigquery={"key_file": str(key)}))

    assert (check.name, check.state) == ("credentials", CheckState.FAILED)
    assert "is no service account's key file" in check.finding


def test_published_tables_that_differ_from_the_settings_are_named(mixpanel: Mixpanel) -> None:
    three_days(mixpanel)
    settings = mixpanel.settings()
    open_warehouse(settings).create_tables()
    source = mixpanel.client.get_table(f"{mixpanel.source_dataset}.mp_master_event")
    source.schema = [*source.schema, bigquery.SchemaField("new_property", "STRING")]
    mixpanel.client.update_table(source, ["schema"])

    found = [c.finding for c in diagnose(settings) if c.name == "tables"]

    assert found == [
        "mp_events lacks new_property of the source",
        "mp_rejected_events lacks new_property of the source",
    ]
