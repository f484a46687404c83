"""A file's rows in short-lived tables: DuckDB reads, checks and types the lines in memory, load jobs bring them to BigQuery.

A load job is billed neither bytes nor slots. Nothing that lasts is written here, and the tables expire by themselves.

Source: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from google.cloud import bigquery

from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery
from mixflows.model import Run
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.errors import ERRORS
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.tables import APP_LABEL, columns_of
from mixflows.warehouse.duckdb.landing import SAMPLED_ROWS, land_lines, landed_columns, missing_columns, opened
from mixflows.warehouse.duckdb.memory import create_table, reader, written
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.duckdb.refusals import refuse_outside
from mixflows.warehouse.duckdb.types import NATIVE_TYPES, bigquery_type

FLOW = "land"
FILE_BYTES = 1 << 30
"""About so large is a compressed file of a load job; BigQuery takes up to 4 GB.

Source: https://cloud.google.com/bigquery/quotas#load_jobs
"""
MALFORMED = {
    "raw_line": "STRING",
    "file_name": "STRING",
    "line_number": "INT64",
    "reason": "STRING",
    "landed_at": "TIMESTAMP",
}
"""Columns of the malformed lines."""
IN_MEMORY = "mixflows_delivered"


@dataclass(frozen=True)
class StagedFile:
    """A file's rows in short-lived tables.

    Attributes:
        landing: What the file gave.
        run: The landing as a run, whose id is part of the ids and labels of its jobs.
        columns: The columns of the events in order, with BigQuery's types.
        missing: Those that the source lacks; all where it is not there.
        sample: Some rows with an insert id, as `(insert id, microseconds since 1970)`.
        events: `project.dataset.table` of the events.
        malformed: Likewise, of the malformed lines, with the columns MALFORMED.
    """

    landing: Landing
    run: Run
    columns: Mapping[str, str]
    missing: tuple[str, ...]
    sample: tuple[tuple[str, int], ...]
    events: str
    malformed: str


class StagedFiles:
    """Brings files into short-lived tables.

    Args:
        client: Makes the tables.
        jobs: Runs the load jobs.
        dataset: Names the tables.
        settings: Units, names and promoted properties of what is read.
    """

    def __init__(self, client: bigquery.Client, jobs: Jobs, dataset: Dataset, settings: Settings) -> None:
        self._client, self._jobs, self._dataset, self._settings = client, jobs, dataset, settings

    @contextmanager
    def staged(
        self,
        content: FileContent,
        source: bigquery.Table | None,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
        *,
        delivery: Delivery | None = None,
    ) -> Generator[StagedFile]:
        """Reads a file and loads its rows; the tables are removed when the context is left.

        Args:
            content: The inspected file.
            source: Its columns are what is landed is held to; None where there is none yet.
            landed_at: UTC; stands in `loaded_at`.
            on_progress: Is told the share of the file that was read, 0 to 1, from another thread.
            delivery: The whole days that the file is a delivery of.

        Raises:
            LandingError: The file is refused.
            UsageError: Whole days count their times in another unit than the settings say.
            SourceColumnsError: A column of the source is missing or has another type.
            WarehouseError: No space is left, or BigQuery does not take the rows.
        """
        existing = {column.name.lower(): column.type for column in columns_of(source)} if source else {}
        run = Run(_id_of(content, landed_at), flow=FLOW)
        events, malformed = (
            self._dataset.short_lived_id(f"stg_mp_{rows}_{run.run_id}") for rows in ("landed", "malformed")
        )
        with reader(self._settings, f"reading {content.name}") as (cursor, folder):
            place = self._settings.warehouse.model_copy(update={"path": folder / "files"})
            settings = self._settings.model_copy(update={"warehouse": place})
            tables = settings.tables
            create_table(cursor, tables.malformed, {name: NATIVE_TYPES[kind] for name, kind in MALFORMED.items()})
            with opened(cursor, settings, content, on_progress) as lines:
                wanted = landed_columns(settings, lines, content, existing)
                columns = {name: bigquery_type(kind) for name, kind in wanted.items()}
                missing = missing_columns(settings, existing, columns) if existing else list(columns)
                create_table(cursor, tables.source, wanted)
                into = IN_MEMORY if delivery else None
                landing = land_lines(cursor, settings, content, lines, landed_at, into)
                if delivery:
                    refuse_outside(cursor, settings, delivery, landing, IN_MEMORY)
            delivered = into or tables.source
            sample = _sample(cursor, settings, delivered, landing.source_rows)
            try:
                for table, rows, kinds in ((events, delivered, columns), (malformed, tables.malformed, MALFORMED)):
                    self._load(table, written(cursor, rows, list(kinds), folder, FILE_BYTES), kinds, run)
                yield StagedFile(landing, run, columns, tuple(missing), sample, events, malformed)
            finally:
                with suppress(*ERRORS):
                    for table in (events, malformed):
                        self._client.delete_table(table, not_found_ok=True)

    def _load(self, table: str, parts: Iterator[Path], columns: Mapping[str, str], run: Run) -> None:
        made = bigquery.Table(table, schema=fields(columns))
        made.expires = datetime.now(UTC) + timedelta(hours=self._settings.bigquery.staging_hours)
        made.labels = self._settings.bigquery.labels | APP_LABEL
        with self._dataset.told("create the staged rows of a file"):
            self._client.create_table(made, exists_ok=True)
        step = Step("load", run)
        if (place := self._settings.landing.bucket) is None:
            for part in parts:
                self._jobs.load(part, table, fields(columns), step)
            return
        from mixflows.warehouse.bigquery.bucket import opened_bucket  # half a second to import

        with (
            opened_bucket(self._settings.bigquery, place) as bucket,
            bucket.holding(table.rpartition(".")[2], parts) as objects,
        ):
            if objects:
                self._jobs.load(objects, table, fields(columns), step)


def fields(columns: Mapping[str, str]) -> list[bigquery.SchemaField]:
    """Columns as the API has them."""
    return [bigquery.SchemaField(name, kind) for name, kind in columns.items()]


def _id_of(content: FileContent, landed_at: datetime) -> str:
    return hashlib.sha256(f"{content.name}\0{content.content_hash}\0{landed_at.isoformat()}".encode()).hexdigest()[:20]


def _sample(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: int
) -> tuple[tuple[str, int], ...]:
    key, time = identifier(settings.columns.insert_id), identifier(settings.columns.time)
    step = max(1, rows // SAMPLED_ROWS)
    found = cursor.execute(
        f"SELECT {key}, epoch_us({time}) FROM {identifier(table)} WHERE (rowid + 1) % {step} = 0 AND {key} IS NOT NULL"
    ).fetchall()
    return tuple((str(insert_id), int(time_us)) for insert_id, time_us in found)
