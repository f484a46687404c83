"""The settings of one installation: one frozen model. Unknown keys are errors everywhere."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from mixflows.days import zone_of
from mixflows.settings.base import Frozen, Identifier, OptionalName, none_word
from mixflows.settings.landing import LandingSettings
from mixflows.settings.mixpanel import FetchSettings, MixpanelSettings
from mixflows.settings.paths import DEFAULT_CONFIG, command_line, file_path, refuse_shared_paths
from mixflows.settings.quality import LOOKED_AT, QualitySettings
from mixflows.settings.roles import promoted_columns, refuse_shared_columns, refuse_shared_tables
from mixflows.settings.warehouse import LARGEST, BigQuerySettings, WarehouseSettings

Key = Literal["insert_id_time", "mixpanel", "mixpanel_day"]
Keep = Literal["first", "latest"]
SourceDeletes = Literal["block", "keep", "apply"]
Restatements = Literal["loaded_at", "content", "never"]
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


class TableSettings(Frozen):
    """Names of the tables."""

    source: Identifier = "mp_master_event"
    """Every delivered copy; written by `land` or, on BigQuery, by Mixpanel."""
    events: Identifier = "mp_events"
    """Each event once."""
    rejected: Identifier = "mp_rejected_events"
    """Every other delivered copy, with its reason."""
    malformed: Identifier = "mp_malformed_records"
    """Lines that could not be read as events."""
    landings: Identifier = "mp_landings"
    """Landed files."""
    ledger: Identifier = "mp_partition_runs"
    """Result of each day, run and attempt."""
    quality: Identifier = "mp_quality_results"
    """Results of the expectations."""
    profiles: Identifier = "mp_day_profiles"
    """Profiles of the days."""
    duplicates_view: Identifier = "mp_duplicate_rate_by_day"
    """View: duplicate rate of each published day, first and now."""
    reasons_view: Identifier = "mp_rejected_by_reason"
    """View: rejected copies by day and reason."""
    changed_days_view: Identifier = "mp_changed_days"
    """View: each change of a published day, for tables that are built from the events."""


class ColumnSettings(Frozen):
    """Which source column has which role. All other columns pass through unchanged."""

    insert_id: Identifier = "mp_insert_id"
    """Mixpanel's `$insert_id`: the same on every copy of an event."""
    time: Identifier = "time"
    """The event time, a TIMESTAMP in UTC."""
    event_name: Identifier = "mp_event_name"
    """The event's name."""
    distinct_id: Identifier = "distinct_id"
    """Mixpanel's id of the user."""
    arrival: OptionalName = "mp_processing_time_ms"
    """When Mixpanel received the copy: milliseconds since 1970, or a TIMESTAMP. If the source lacks it, `loaded_at` is used."""
    loaded_at: OptionalName = "loaded_at"
    """When the copy was landed."""
    day: OptionalName = "partition_date"
    """The day in the project's time zone: a DATE, or midnights. If the source lacks it, the day is derived from the event time."""
    customer_id: OptionalName = "customer_id"
    """The published tables are clustered by it, if the source has it."""
    about_the_copy: tuple[str, ...] = ("source_file",)
    """Columns that describe the delivery of a copy, not the event. They are published, but are not part of its content. So are the
    arrival, `loaded_at` and all names that begin with `_airbyte_`, `_fivetran_`, `_sdc_` or `_dlt_`."""

    @model_validator(mode="after")
    def _no_column_plays_two_roles(self) -> "ColumnSettings":
        refuse_shared_columns(self.model_dump(exclude={"about_the_copy"}), self.about_the_copy)
        return self


class SourceSettings(Frozen):
    """Where the rows of the source come from."""

    feed: Literal["files", "mixpanel", "table"] | None = None
    """`files`: landed with `land`. `mixpanel`: whole days, from Mixpanel's export API. `table`: another program writes the
    source. The landing log records it; a source that was landed from files can become one that is fed from Mixpanel, but not the
    other way round. By default whatever is recorded."""


class PipelineSettings(Frozen):
    """The key, the copy that is kept, and the treatment of late, changed and invalid rows."""

    key: Key = "insert_id_time"
    """What makes two copies the same event."""
    keep: Keep = "first"
    """Which arrival is kept."""
    source_deletes: SourceDeletes | None = None
    """What happens when the source no longer has a published copy: block the day, keep the copy, or delete it. The default is
    `block`. Of days that are delivered as a whole, the source keeps the copies that the newest delivery lacks, unless this is
    set to `block` or `apply`: then it has no more than the newest delivery."""
    missing_insert_id: Literal["reject", "keep"] = "reject"
    """What happens to a row without insert id: `reject` it, or `keep` it as an event of its own."""
    restatements: Restatements | None = None
    """How content that changed under the same key and arrival is detected: by `loaded_at`, by comparing the content of changed
    days, or never (an append-only source). The default is `loaded_at` if the source has it, else `content`."""
    source_keeps_days: int | None = Field(default=None, ge=1, le=36_500)
    """How many days the source keeps if its partitions expire. Days of that age remain published when the source drops them."""
    lookback_days: int = Field(default=3, ge=0, le=36_500)
    """A copy that arrives more than this many days after its day counts as late."""
    wait_minutes: float = Field(default=10, ge=0, le=525_600, allow_inf_nan=False)
    """How long a command waits for the DuckDB file, or for days that another run holds; then it exits with 4."""
    future_tolerance_seconds: int = Field(default=3600, ge=0, le=315_360_000)
    """An event time this much later than the row's own arrival is rejected as being in the future."""


class BackfillSettings(Frozen):
    """How days are grouped into batches. One statement stages, validates or publishes all days of a batch."""

    concurrency: int = Field(default=2, ge=1, le=64)
    """Concurrent batches. More than 2 are useful on BigQuery only."""
    batch_days: int = Field(default=400, ge=1, le=2000)
    """The maximum number of days per batch."""
    batch_rows: int = Field(default=2_000_000, ge=1, le=LARGEST)
    """Source rows per batch on DuckDB, approximately (BigQuery: `bigquery.batch_bytes`); a larger day is a batch of its own."""


class ReportSettings(Frozen):
    """Where the report is written, and what it links to."""

    path: Annotated[Path | None, BeforeValidator(file_path), BeforeValidator(none_word)] = None
    """A file to which the report is written after each run and each release."""
    prefect_ui: Annotated[str | None, BeforeValidator(none_word)] = None
    """The address of Prefect's UI, such as `http://127.0.0.1:4200`; the report links its runs to it."""

    @field_validator("prefect_ui")
    @classmethod
    def _can_be_linked(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]\S*", value):
            raise ValueError("it is not the address of a server, such as http://127.0.0.1:4200")
        return value


class DeploymentSettings(Frozen):
    """The deployments at a Prefect server."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Begins their names, such as `shop-`, so that several Mixpanel projects can share one server."""


class Settings(Frozen):
    """All settings of one installation."""

    project_timezone: str = "UTC"
    """The Mixpanel project's time zone, by its IANA name; decides what a day is."""
    warehouse: WarehouseSettings = WarehouseSettings()
    bigquery: BigQuerySettings = BigQuerySettings()
    tables: TableSettings = TableSettings()
    columns: ColumnSettings = ColumnSettings()
    source: SourceSettings = SourceSettings()
    landing: LandingSettings = LandingSettings()
    mixpanel: MixpanelSettings = MixpanelSettings()
    fetch: FetchSettings = FetchSettings()
    pipeline: PipelineSettings = PipelineSettings()
    quality: QualitySettings = QualitySettings()
    backfill: BackfillSettings = BackfillSettings()
    report: ReportSettings = ReportSettings()
    deployments: DeploymentSettings = DeploymentSettings()
    _file: Path = PrivateAttr(default=DEFAULT_CONFIG)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.model_dump() == other.model_dump()  # the file is no setting

    __hash__ = Frozen.__hash__

    @property
    def file(self) -> Path:
        """The settings file, whether it exists or not."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder of the settings file; the working folder where there is no such file."""
        return self._file.parent

    def read_from(self, file: Path) -> "Settings":
        """The same settings, read from a file.

        Raises:
            ValueError: A setting names that file as another one.
        """
        placed = self.model_copy()
        placed._file = file
        refuse_shared_paths(placed._paths())
        return placed

    def command(self, *words: str) -> str:
        """A command line for these settings; see `mixflows.settings.paths.command_line`."""
        return command_line(*words, config=self._file)

    @property
    def files(self) -> dict[str, Path]:
        """The files that no output may replace, by their settings or by what they are."""
        return {name: path for name, path in self._paths().items() if name not in ("report.path", "fetch.folder")}

    def _paths(self) -> dict[str, Path]:
        paths = {"the settings file": self._file, "fetch.folder": self.fetch.folder}
        if self.warehouse.engine == "duckdb":
            database = self.warehouse.path
            paths |= {"warehouse.path": database, "the warehouse's log": database.with_name(f"{database.name}.wal")}
        named = (("bigquery.key_file", self.bigquery.key_file), ("report.path", self.report.path))
        return paths | {name: path for name, path in named if path is not None}

    @property
    def warehouse_name(self) -> str:
        """What a reader knows the warehouse by: DuckDB's file, or project and dataset on BigQuery."""
        place = f"{self.bigquery.project}.{self.bigquery.dataset}"
        return place if self.warehouse.engine == "bigquery" else str(self.warehouse.path)

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

    @property
    def promoted_columns(self) -> dict[str, str]:
        """The column of each property that `land` promotes."""
        return promoted_columns(
            self.landing.promote, self.columns.model_dump(exclude={"customer_id", "about_the_copy"})
        )

    @model_validator(mode="after")
    def _no_property_takes_a_column(self) -> "Settings":
        _ = self.promoted_columns
        return self

    @model_validator(mode="after")
    def _copies_have_the_version_that_is_compared(self) -> "Settings":
        if self.pipeline.restatements == "loaded_at" and self.columns.loaded_at is None:
            raise ValueError(
                'pipeline.restatements = "loaded_at" compares a column that columns.loaded_at = "none" says is not there;'
                ' name it, or use pipeline.restatements = "content"'
            )
        return self

    @model_validator(mode="after")
    def _no_path_plays_two_roles(self) -> "Settings":
        refuse_shared_paths({name: path for name, path in self._paths().items() if name != "the settings file"})
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
    def export_zone(self) -> ZoneInfo:
        """The clock of exports, by which the days of a fetch or a delivery begin and end."""
        return self.zone if self.landing.time_zone == "project" else zone_of("UTC")

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
            self.pipeline.source_deletes or "block",
            self.pipeline.lookback_days,
        )


def _short_hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
