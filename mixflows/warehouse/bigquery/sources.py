"""Source tables on BigQuery as Mixpanel writes them: recognised by their columns and their partitioning."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from google.api_core import exceptions as api
from google.cloud import bigquery

from mixflows.errors import MissingTableError, SourceColumnsError, UsageError
from mixflows.settings import ColumnSettings, Settings
from mixflows.warehouse.bigquery.client import make_client
from mixflows.warehouse.bigquery.errors import ERRORS, translated
from mixflows.warehouse.bigquery.pricing import refuse_full_scan
from mixflows.warehouse.bigquery.tables import columns_of, fields_of, marks_gone
from mixflows.warehouse.source import INGESTION_DAY, Source

EXPORT_LOG = "mp_nessie_export_log"
"""Mixpanel's log of its exports, beside the source."""
JSON_PIPELINE = {"event_name", "insert_id", "time", "distinct_id", "properties"}
SCHEMATIZED_PIPELINE = {"mp_event_name", "mp_insert_id", "time", "distinct_id"}


@dataclass(frozen=True)
class Recognised:
    """What a source table turned out to be.

    Attributes:
        pipeline: Who wrote it, in words.
        partitioning: By what it is partitioned, in words.
        columns: The columns by their roles.
        is_append_only: Whether no row of it is ever changed.
    """

    pipeline: str
    partitioning: str
    columns: ColumnSettings
    is_append_only: bool


def recognise(table: bigquery.Table) -> Recognised:
    """Finds out which of Mixpanel's pipelines wrote a table, and what its day is.

    Raises:
        SourceColumnsError: It is no table, not partitioned by day, or has neither pipeline's columns.

    Source: Mixpanel's documentation, "Data Pipelines: BigQuery" and "Schematized BigQuery Pipeline". The tables of both
    are partitioned by ingestion time, with the event's day in the project's time zone.
    """
    name = f"{table.project}.{table.dataset_id}.{table.table_id}"
    refuse_view(table)
    types = {column.name: column.type for column in columns_of(table)}
    if types.keys() >= JSON_PIPELINE:
        pipeline, roles = "Mixpanel's JSON pipeline", {"event_name": "event_name", "insert_id": "insert_id"}
    elif types.keys() >= SCHEMATIZED_PIPELINE:
        pipeline, roles = "Mixpanel's schematized pipeline", {}
    else:
        raise SourceColumnsError(
            f"table {name} has the columns of neither of Mixpanel's pipelines",
            "Name its columns yourself in [columns] of mixflows.toml: insert_id, time, event_name and distinct_id.",
        )
    partition = partition_column(table)
    day: str | None = None
    if partition == INGESTION_DAY or types.get(partition or "") == "DATE":
        day = partition
    present = {role: name if name in types else None for role, name in {"arrival": "mp_processing_time_ms"}.items()}
    columns = ColumnSettings().model_copy(update={**roles, **present, "day": day})
    return Recognised(pipeline, _in_words(partition), columns, is_append_only=types.keys() >= JSON_PIPELINE)


def advice_on_missing(client: bigquery.Client, dataset: str, name: str) -> str:
    """What to do about a source that is not there; BigQuery tells names of tables apart by case."""
    for item in client.list_tables(dataset):
        if item.table_id.lower() == name.lower():
            return f'Its name there is {item.table_id}: set tables.source = "{item.table_id}".'
    return "Check tables.source and bigquery.source_dataset; `mixflows land` and `mixflows fetch` create it."


def refuse_view(table: bigquery.Table) -> None:
    """Refuses what has no partitions of its own.

    Raises:
        SourceColumnsError: It is a view, an external table or a snapshot.
    """
    if table.table_type != "TABLE":
        raise SourceColumnsError(
            f"{table.project}.{table.dataset_id}.{table.table_id} is a {str(table.table_type).lower()}, not a table",
            "Name the table under it: a view tells no change and prunes no partition.",
        )


def partition_column(table: bigquery.Table) -> str | None:
    """The column that a table is partitioned by day on, INGESTION_DAY, or None.

    Raises:
        SourceColumnsError: It is partitioned by hour, month or year.
    """
    partitioning = table.time_partitioning
    if partitioning is None:
        return None
    if partitioning.type_ != "DAY":
        raise SourceColumnsError(
            f"{table.project}.{table.dataset_id}.{table.table_id} is partitioned by {str(partitioning.type_).lower()}",
            "Days are planned and read by partition: name a table that is partitioned by day.",
        )
    return partitioning.field or INGESTION_DAY


def refuse_unpruned(table: bigquery.Table, settings: Settings) -> None:
    """Refuses settings under which no statement on the source would prune its partitions.

    Raises:
        SourceColumnsError: The table is partitioned by another column than the one that the settings take the day from.
    """
    partition = partition_column(table)
    true = {name.lower(): name for name in (*(field.name for field in fields_of(table)), INGESTION_DAY)}
    day = true.get((settings.columns.day or "").lower())
    used = day or true.get(settings.columns.time.lower(), settings.columns.time)
    if partition is not None and partition != used:
        wanted = "none" if partition.lower() == settings.columns.time.lower() else partition
        raise SourceColumnsError(
            f"the source is partitioned by {_in_words(partition)}, but its day is taken from {used}:"
            " every statement would read the whole table",
            f'Set columns.day = "{wanted}"; mixflows init --source {table.project}.{table.dataset_id}.'
            f"{table.table_id} writes it.",
        )


def source_of(table: bigquery.Table, settings: Settings) -> tuple[Source, str | None]:
    """A table's columns and roles, and its partition column, once it is sure that a run can read it by day.

    Raises:
        SourceColumnsError: It is no table, lacks a column, or no statement would prune its partitions.
        UsageError: It is not partitioned by day, and larger than `bigquery.full_scan_bytes`.
    """
    refuse_view(table)
    source = Source.of(columns_of(table), settings, marks_gone=marks_gone(table))
    refuse_unpruned(table, settings)
    partition = partition_column(table)
    if partition is None:
        refuse_full_scan(
            int(table.num_bytes or 0),
            f"the source {table.project}.{table.dataset_id}.{table.table_id} is not partitioned by day: each statement on a"
            " day reads the whole table,",
            "Copy it into a table that is partitioned by day, and name that as tables.source.",
            settings.bigquery,
        )
    return source, partition


def recognised_settings(settings: Settings, source: str) -> tuple[Settings, Recognised]:
    """The settings for a source table: its place, its location, its columns. Everything else stays as it is.

    Args:
        settings: Name the project that runs the jobs, and the credentials.
        source: `project.dataset.table`.

    Raises:
        UsageError: It is not written so.
        MissingTableError: It is not there.
        SourceColumnsError: See `recognise`.
        WarehouseError: It cannot be reached.
    """
    parts = source.split(".")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{source!r} names no table", "Write --source project.dataset.table.")
    project, dataset, name = parts
    place = settings.bigquery
    client = make_client(place)
    try:
        table = client.get_table(source)
        location = client.get_dataset(f"{project}.{dataset}").location
    except api.NotFound as err:
        raise MissingTableError(
            f"table {source} is not there, or may not be seen", "Check --source, and the rights."
        ) from err
    except ERRORS as err:
        raise translated(err, "look up the source", place) from err
    finally:
        client.close()
    found = recognise(table)
    bigquery_settings = place.model_copy(
        update={
            "location": location or place.location,
            "source_project": None if project == place.project else project,
            "source_dataset": None if dataset == place.dataset else dataset,
        }
    )
    tables = settings.tables.model_copy(update={"source": name})
    pipeline = settings.pipeline.model_copy(update={"restatements": "never"} if found.is_append_only else {})
    return settings.model_copy(
        update={"bigquery": bigquery_settings, "tables": tables, "columns": found.columns, "pipeline": pipeline}
    ), found


def _in_words(partition: str | None) -> str:
    if partition is None:
        return "nothing"
    return "ingestion time" if partition == INGESTION_DAY else f"column {partition}"


@dataclass(frozen=True)
class ExportLog:
    """The columns of Mixpanel's export log that tell which days an export wrote, and when.

    Mixpanel documents what the log holds (when, from which day to which, how many rows), and not its columns' names:
    they are found by their types and by the words in their names.
    """

    first_day: str
    last_day: str
    exported_at: str

    @classmethod
    def of(cls, table: bigquery.Table) -> "ExportLog | None":
        """The log's columns, or None where they are not recognised."""
        types = {column.name: column.type for column in columns_of(table)}
        days = {name for name, kind in types.items() if kind in ("DATE", "TIMESTAMP", "DATETIME", "STRING")}
        first = _one(name for name in sorted(days) if "from" in name.lower())
        last = _one(name for name in sorted(days) if name.lower().startswith("to") or "_to" in name.lower())
        at = _one(name for name in sorted(types) if types[name] == "TIMESTAMP" and name not in (first, last))
        return cls(first, last, at) if first and last and at else None


def _one(names: Any) -> str | None:
    found = list(names)
    return found[0] if len(found) == 1 else None


def as_day(value: object) -> date | None:
    """A day of the export log: a date, an instant, or a text that begins with one."""
    match value:
        case datetime():
            return value.date()
        case date():
            return value
        case str():
            try:
                return date.fromisoformat(value[:10])
            except ValueError:
                return None
        case _:
            return None
