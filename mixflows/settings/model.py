"""The settings of one installation: one frozen model. Unknown keys are errors everywhere."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from mixflows.days import zone_of
from mixflows.settings.base import Frozen, Identifier, OptionalName, none_word
from mixflows.settings.paths import file_path, regular_file
from mixflows.settings.quality import LOOKED_AT, QualitySettings
from mixflows.settings.roles import refuse_shared_columns, refuse_shared_tables

Key = Literal["insert_id_time", "mixpanel", "mixpanel_day"]
Keep = Literal["first", "latest"]
SourceDeletes = Literal["block", "keep", "apply"]
Restatements = Literal["loaded_at", "content", "never"]
PromotedType = Literal["STRING", "INT64", "FLOAT64", "BOOL", "TIMESTAMP"]
CLAIMS = "mp_day_claims"
"""BigQuery's table of the days that runs have claimed."""
FINGERPRINT_VERSION = 2
"""Moves with every change of what the fingerprint is made of (docs/decisions/fingerprint.md)."""
USERS_IDS = (
    "distinct_id",
    "$distinct_id",
    "$distinct_id_before_identity",
    "$user_id",
    "user_id",
    "$device_id",
    "device_id",
)
"""Mixpanel's own properties and columns that tell who a user is.
Source: https://docs.mixpanel.com/docs/tracking-methods/identifying-users"""


class WarehouseSettings(Frozen):
    """Where the tables live."""

    engine: Literal["duckdb", "bigquery"] = "duckdb"
    """The engine that does the work."""
    path: Annotated[Path, BeforeValidator(regular_file)] = Path("mixflows.duckdb")
    """DuckDB's file."""
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$")
    """Memory that DuckDB may use before it spills to disk beside the file."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of DuckDB; by default one per core."""


class BigQuerySettings(Frozen):
    """Where the tables live on BigQuery, as whom, and how much a statement may cost."""

    project: str | None = None
    """The project that runs and pays the jobs, and holds the published tables."""
    location: str = "US"
    dataset: Identifier = "mixpanel"
    """Published tables, ledger and quality results."""
    source_project: str | None = None
    """The project of the source table; by default `project`. Only read."""
    source_dataset: OptionalName = None
    """The dataset of the source table; by default `dataset`."""
    staging_dataset: OptionalName = None
    """The dataset of short-lived tables; by default `dataset`."""
    staging_hours: int = Field(default=24, ge=1)
    """Short-lived tables expire after this."""
    key_file: Annotated[Path | None, BeforeValidator(file_path)] = None
    """A service account's key file; by default Application Default Credentials."""
    credentials_block: str | None = None
    """The name of a prefect-gcp GcpCredentials block; wins over `key_file`."""
    maximum_bytes_billed: int | None = Field(default=None, ge=1)
    """A statement that would bill more fails before it bills."""
    priority: Literal["INTERACTIVE", "BATCH"] = "INTERACTIVE"
    job_timeout_seconds: int = Field(default=3600, ge=1)
    require_partition_filter: bool = True
    """Whether the published tables refuse queries without a day."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Labels on every job and table, besides our own."""
    batch_bytes: int = Field(default=500_000_000_000, ge=1)
    """About this many bytes of the source a batch; a larger day is a batch of its own."""
    price_per_tib: float = Field(default=6.25, ge=0)
    """Money per TiB billed, for estimates."""
    full_scan_bytes: int = Field(default=100 * 10**9, ge=0)
    """What reads more than this, and cannot read one day alone, is refused with its price: a source that is not partitioned by
    day, a search in every day."""
    accept_full_scans: bool = False
    """Whether it is run all the same."""
    api_endpoint: str | None = None
    """Another address of the API, such as a server on loopback; then no credentials are needed."""

    @property
    def largest_batch(self) -> int:
        """Bytes of the source that a batch may have: a statement reads them, and about as many of each published table."""
        if self.maximum_bytes_billed is None:
            return self.batch_bytes
        return max(1, min(self.batch_bytes, self.maximum_bytes_billed // 3))

    @model_validator(mode="after")
    def _labels_hold(self) -> "BigQuerySettings":
        for key, value in self.labels.items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                raise ValueError(f"label {key}={value} is not lower-case letters, digits, _ and - (at most 63)")
        return self


class TableSettings(Frozen):
    """Names of the tables."""

    source: Identifier = "mp_master_event"
    events: Identifier = "mp_events"
    rejected: Identifier = "mp_rejected_events"
    malformed: Identifier = "mp_malformed_records"
    landings: Identifier = "mp_landings"
    ledger: Identifier = "mp_partition_runs"
    quality: Identifier = "mp_quality_results"
    profiles: Identifier = "mp_day_profiles"
    duplicates_view: Identifier = "mp_duplicate_rate_by_day"
    """A view."""
    reasons_view: Identifier = "mp_rejected_by_reason"
    """A view."""


class ColumnSettings(Frozen):
    """Which columns of the source play which role; every other column passes through untouched."""

    insert_id: Identifier = "mp_insert_id"
    time: Identifier = "time"
    """Event time, a TIMESTAMP in UTC."""
    event_name: Identifier = "mp_event_name"
    distinct_id: Identifier = "distinct_id"
    arrival: OptionalName = "mp_processing_time_ms"
    """When Mixpanel received the copy: milliseconds since 1970 or a TIMESTAMP. Where the source lacks it: `loaded_at`."""
    loaded_at: OptionalName = "loaded_at"
    """When the copy was landed."""
    day: OptionalName = "partition_date"
    """The day in the project's time zone; where the source lacks it, the day is found by its UTC bounds."""
    customer_id: OptionalName = "customer_id"
    """Clusters the published tables where the source has it."""
    about_the_copy: tuple[str, ...] = ("source_file",)
    """Columns that tell of a copy's delivery and not of the event, besides the arrival, `loaded_at` and names that begin with
    `_airbyte_`, `_fivetran_`, `_sdc_` or `_dlt_`: they are published, and are no part of the content."""

    @model_validator(mode="after")
    def _no_column_plays_two_roles(self) -> "ColumnSettings":
        refuse_shared_columns(self.model_dump(exclude={"about_the_copy"}), self.about_the_copy)
        return self


class LandingSettings(Frozen):
    """How raw-export files are read."""

    time_unit: Literal["s", "ms"] = "s"
    """Unit of `properties.time`: seconds, or milliseconds for exports made with `time_in_ms`."""
    time_zone: Literal["UTC", "project"] = "UTC"
    """What `properties.time` counts in: UTC (projects created since 2023) or the project's local time. A local time that came
    twice is the later one; one that was skipped counts by the offset before the gap."""
    promote: dict[str, PromotedType] = Field(default_factory=lambda: {"customer_id": "STRING"})
    """Properties that become typed columns where a file has them; the rest stays in `properties`."""
    max_line_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    """The longest line that is read as an event."""


class PipelineSettings(Frozen):
    """What a copy is, which one wins, and what happens to odd rows."""

    key: Key = "insert_id_time"
    keep: Keep = "first"
    source_deletes: SourceDeletes = "block"
    missing_insert_id: Literal["reject", "keep"] = "reject"
    restatements: Restatements | None = None
    """How content that changed under the same key and arrival is found: by a copy's `loaded_at`, by comparing the content of
    changed days, or never (an append-only source). By default `loaded_at` where the source has it, else `content`."""
    source_keeps_days: int | None = Field(default=None, ge=1)
    """How many days the source keeps, where its partitions expire: days as old as that which vanish as a whole stay published."""
    lookback_days: int = Field(default=3, ge=0)
    wait_minutes: float = Field(default=10, ge=0, allow_inf_nan=False)
    """How long a run waits for what another one holds."""
    future_tolerance_seconds: int = Field(default=3600, ge=0)


class BackfillSettings(Frozen):
    """How days are batched. A batch is staged, judged and published in one statement each."""

    concurrency: int = Field(default=2, ge=1, le=64)
    """Batches in flight."""
    batch_days: int = Field(default=400, ge=1, le=2000)
    """At most this many days a batch."""
    batch_rows: int = Field(default=2_000_000, ge=1)
    """About this many source rows a batch on DuckDB (BigQuery: `bigquery.batch_bytes`); a larger day is a batch of its own."""


class ReportSettings(Frozen):
    """The report."""

    path: Annotated[Path | None, BeforeValidator(file_path), BeforeValidator(none_word)] = None
    """Written anew after each run and each release, where it is named."""
    prefect_ui: Annotated[str | None, BeforeValidator(none_word)] = None
    """Where runs can be looked at, such as http://127.0.0.1:4200; then the report links to them."""


class Settings(Frozen):
    """All settings of one installation."""

    project_timezone: str = "UTC"
    """The Mixpanel project's time zone, by its IANA name; decides what a day is."""
    warehouse: WarehouseSettings = WarehouseSettings()
    bigquery: BigQuerySettings = BigQuerySettings()
    tables: TableSettings = TableSettings()
    columns: ColumnSettings = ColumnSettings()
    landing: LandingSettings = LandingSettings()
    pipeline: PipelineSettings = PipelineSettings()
    quality: QualitySettings = QualitySettings()
    backfill: BackfillSettings = BackfillSettings()
    report: ReportSettings = ReportSettings()
    _folder: Path = PrivateAttr(default=Path())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.model_dump() == other.model_dump()  # the folder is no setting

    __hash__ = Frozen.__hash__

    @property
    def folder(self) -> Path:
        """The folder of the settings file; the working folder where there is no such file."""
        return self._folder

    def of_folder(self, folder: Path) -> "Settings":
        """The same settings, read from a file in a folder."""
        placed = self.model_copy()
        placed._folder = folder
        return placed

    @property
    def warehouse_name(self) -> str:
        """What a reader knows the warehouse by: DuckDB's file, or project and dataset on BigQuery."""
        if self.warehouse.engine == "bigquery":
            return f"{self.bigquery.project}.{self.bigquery.dataset}"
        return str(self.warehouse.path)

    @model_validator(mode="after")
    def _engine_has_a_place(self) -> "Settings":
        if self.warehouse.engine == "bigquery" and not self.bigquery.project:
            raise ValueError("warehouse.engine is bigquery, so bigquery.project must name a project")
        return self

    @model_validator(mode="after")
    def _no_table_plays_two_roles(self) -> "Settings":
        refuse_shared_tables(self._places())
        return self

    def _places(self) -> dict[str, tuple[str, str]]:
        """Schema and name of each table by its setting, and of the one that has no setting."""
        names: dict[str, str] = self.tables.model_dump()
        if self.warehouse.engine == "duckdb":
            return {f"tables.{role}": ("", name) for role, name in names.items()}
        place = self.bigquery
        ours = f"{place.project}.{place.dataset}"
        source = f"{place.source_project or place.project}.{place.source_dataset or place.dataset}"
        places = {f"tables.{role}": (source if role == "source" else ours, name) for role, name in names.items()}
        return places | {"the table of claims": (ours, CLAIMS)}

    @model_validator(mode="after")
    def _report_is_no_warehouse(self) -> "Settings":
        report, warehouse = self.report.path, self.warehouse.path
        if self.warehouse.engine == "duckdb" and report and os.path.realpath(report) == os.path.realpath(warehouse):
            raise ValueError(f"report.path and warehouse.path both name {warehouse}; name another file for the report")
        return self

    @model_validator(mode="after")
    def _shows_no_user(self) -> "Settings":
        ids = {name.casefold() for name in (*USERS_IDS, self.columns.distinct_id, self.columns.customer_id) if name}
        if named := [name for name in self.quality.shown_properties if name.casefold() in ids]:
            raise ValueError(
                f"quality.shown_properties names {', '.join(named)}, which tells who a user is; reports never show that"
            )
        return self

    @field_validator("project_timezone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        try:
            zone_of(value)
        except (KeyError, ValueError, OSError) as err:
            raise ValueError(f"{value!r} is not an IANA time zone, such as 'UTC' or 'Europe/Berlin'") from err
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The project's time zone, from the pinned `tzdata` package."""
        return zone_of(self.project_timezone)

    @property
    def rules_version(self) -> str:
        """Hash of what decides which copy is kept; a published day with another one was judged by other rules."""
        p = self.pipeline
        return _short_hash(
            FINGERPRINT_VERSION,
            p.key,
            p.keep,
            self.project_timezone,
            p.future_tolerance_seconds,
            p.missing_insert_id,
            self.columns.model_dump(mode="json"),
            self.tables.events,
            self.tables.rejected,
        )

    @property
    def thresholds_version(self) -> str:
        """Hash of what decides whether a day is blocked."""
        return _short_hash(
            self.quality.model_dump(mode="json", exclude=set(LOOKED_AT)),
            self.pipeline.source_deletes,
            self.pipeline.lookback_days,
        )


def _short_hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
