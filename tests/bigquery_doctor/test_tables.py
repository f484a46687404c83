"""`init` makes tables that are partitioned, clustered, labelled and described; making them again changes nothing."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from google.cloud import bigquery

from mixflows.errors import SourceColumnsError
from mixflows.model import LedgerRow
from mixflows.warehouse import close_warehouses, diagnose, open_warehouse
from mixflows.warehouse.bigquery.tables import type_of
from mixflows.warehouse.checks import CheckState
from mixflows.warehouse.source import REJECTED_COLUMNS
from tests.bigquery_doctor.conftest import SCHEMATIZED, Mixpanel

COLUMNS = SCHEMATIZED | {"partition_date": "DATE"}
DAILY = bigquery.TimePartitioning(field="partition_date")


def test_tables_are_partitioned_clustered_labelled_and_described_and_made_once(mixpanel: Mixpanel) -> None:
    mixpanel.table(COLUMNS, DAILY, "mp_master_event")
    settings = mixpanel.settings(bigquery={"labels": {"team": "data"}, "require_partition_filter": True})
    warehouse = open_warehouse(settings)
    made = warehouse.create_tables()
    assert set(made) == {*settings.tables.model_dump().values(), "mp_day_claims"} - {"mp_master_event"}

    tables = {name: mixpanel.client.get_table(f"{mixpanel.api.project}.{mixpanel.dataset}.{name}") for name in made}
    for table in tables.values():
        assert table.labels == {"app": "mixflows", "team": "data"}
        assert table.description
    for name in ("mp_events", "mp_rejected_events"):
        assert tables[name].time_partitioning.field == "partition_date"
        assert tables[name].require_partition_filter is True
    assert tables["mp_events"].clustering_fields == ["distinct_id", "mp_insert_id"]
    described = {name: {f.name for f in table.schema if f.description} for name, table in tables.items()}
    assert described["mp_partition_runs"] == {column.name for column in dataclasses.fields(LedgerRow)}
    assert described["mp_rejected_events"] >= {"partition_date", "mp_insert_id", *REJECTED_COLUMNS}
    for name in ("mp_quality_results", "mp_landings", "mp_malformed_records", "mp_day_claims"):
        assert described[name] == {field.name for field in tables[name].schema}

    before = {job.job_id for job in mixpanel.client.list_jobs()}
    assert warehouse.create_tables() == ()
    assert {job.job_id for job in mixpanel.client.list_jobs()} == before, "tables that are right need no statement"
    for name, table in tables.items():
        again = mixpanel.client.get_table(table.reference)
        assert (again.etag, again.schema) == (table.etag, table.schema), name


@pytest.mark.parametrize("kind", ["table", "partitions"])
def test_no_table_of_ours_ends_by_itself(mixpanel: Mixpanel, kind: str) -> None:
    """A dataset's default expirations come to every new table, and may be set on old ones; the doctor finds them."""
    mixpanel.table(COLUMNS, DAILY, "mp_master_event")
    settings = mixpanel.settings()
    made = open_warehouse(settings).create_tables()
    ids = [f"{mixpanel.api.project}.{mixpanel.dataset}.{name}" for name in made]
    for table in [table for table in map(mixpanel.client.get_table, ids) if table.table_type == "TABLE"]:
        if kind == "table":
            table.expires = datetime.now(UTC) + timedelta(days=30)
            mixpanel.client.update_table(table, ["expires"])
        elif table.time_partitioning is not None:
            table.time_partitioning.expiration_ms = 30 * 86_400_000
            mixpanel.client.update_table(table, ["time_partitioning"])

    found = [check for check in diagnose(settings) if check.name == "tables"]
    assert {check.state for check in found} == {CheckState.FAILED}
    assert "mp_events expires" in " ".join(check.finding for check in found)

    assert open_warehouse(settings).create_tables() == ()
    for table in map(mixpanel.client.get_table, ids):
        assert table.expires is None
        assert table.time_partitioning is None or table.time_partitioning.expiration_ms is None
    assert [check.state for check in diagnose(settings) if check.name == "tables"] == [CheckState.OK]


def test_wider_types_and_new_fields_of_records_are_followed_in_place(mixpanel: Mixpanel) -> None:
    """What is published stays; a type that does not hold it is refused, and nothing is written."""
    device = bigquery.SchemaField("device", "RECORD", fields=[bigquery.SchemaField("os", "STRING")])
    source_id = mixpanel.table(COLUMNS | {"amount": "INT64"}, DAILY, "mp_master_event")
    source = mixpanel.client.get_table(source_id)
    source.schema = [*source.schema, device]
    mixpanel.client.update_table(source, ["schema"])
    open_warehouse(mixpanel.settings()).create_tables()
    events_id = f"{mixpanel.api.project}.{mixpanel.dataset}.mp_events"
    mixpanel.fill(events_id, [{"partition_date": "2026-03-01", "amount": 7, "device": {"os": "a"}}])

    def source_now(amount: str, *fields: str) -> list[bigquery.SchemaField]:
        """The source is written anew, as the pipeline of Mixpanel or an own job does it."""
        close_warehouses()
        nested = [bigquery.SchemaField(name, "STRING") for name in fields]
        columns = [bigquery.SchemaField(name, kind) for name, kind in (COLUMNS | {"amount": amount}).items()]
        mixpanel.client.delete_table(source_id)
        made = bigquery.Table(source_id, [*columns, bigquery.SchemaField("device", "RECORD", fields=nested)])
        made.time_partitioning = DAILY
        mixpanel.client.create_table(made)
        open_warehouse(mixpanel.settings()).create_tables()
        return mixpanel.client.get_table(events_id).schema

    for amount in ("NUMERIC", "FLOAT64"):
        have = {field.name: field for field in source_now(amount, "os", "version")}
        assert type_of(have["amount"]) == amount
        assert [field.name for field in have["device"].fields] == ["os", "version"]
    (row,) = mixpanel.client.query(f"SELECT amount, device.os, device.version FROM `{events_id}`").result()
    assert (row["amount"], row["os"], row["version"]) == (7.0, "a", None)

    for amount, fields in (("INT64", ("os", "version")), ("FLOAT64", ("os",)), ("FLOAT64", ("version", "os"))):
        with pytest.raises(SourceColumnsError, match="Nothing was written"):
            source_now(amount, *fields)


def test_the_statements_over_all_days_run_on_tables_that_refuse_statements_without_a_day(mixpanel: Mixpanel) -> None:
    source = mixpanel.table(COLUMNS, DAILY, "mp_master_event")
    table = mixpanel.client.get_table(source)
    table.require_partition_filter = True
    mixpanel.client.update_table(table, ["require_partition_filter"])
    warehouse = open_warehouse(mixpanel.settings(bigquery={"require_partition_filter": True}))
    warehouse.create_tables()

    warehouse.query("report_findings", {"failed_only": False})
    for name in ("report_days", "report_runs", "report_landings", "report_landed_days", "costs"):
        warehouse.query(name)
    assert warehouse.query("report_rejected", {"first_day": date(2026, 3, 1), "last_day": date(2026, 3, 2)}) == []
    (totals,) = warehouse.query("table_totals")
    assert set(totals.values()) == {0}


def test_mixpanels_export_log_tells_a_change_where_partitions_do_not(mixpanel: Mixpanel) -> None:
    source = mixpanel.table(COLUMNS, DAILY, "mp_master_event")
    days = [date(2026, 3, 1), date(2026, 3, 2)]
    mixpanel.fill(source, [{"mp_insert_id": "i", "partition_date": day.isoformat()} for day in days])
    log = mixpanel.table(
        {"from_date": "DATE", "to_date": "DATE", "exported_at": "TIMESTAMP", "num_rows": "INT64"},
        None,
        "mp_nessie_export_log",
    )
    warehouse = open_warehouse(mixpanel.settings())

    def exported(first: date, last: date, at: datetime) -> None:
        mixpanel.fill(
            log,
            [
                {
                    "from_date": first.isoformat(),
                    "to_date": last.isoformat(),
                    "exported_at": at.isoformat(),
                    "num_rows": 2,
                }
            ],
        )

    exported(days[0], days[1], datetime(2026, 3, 3, 1, tzinfo=UTC))
    before, _ = warehouse.source_days()
    exported(days[1], days[1], datetime(2026, 3, 4, 1, tzinfo=UTC))
    after, _ = warehouse.source_days()

    assert [day.version for day in before] == ["1 rows, last exported 2026-03-03T01:00:00+00:00"] * 2
    assert [day.version for day in after] == [before[0].version, "1 rows, last exported 2026-03-04T01:00:00+00:00"]
