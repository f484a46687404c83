"""The settings of the two engines: where the tables live, and what the work may take."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mixflows.settings.base import Frozen, Identifier, OptionalName
from mixflows.settings.paths import file_path, regular_file

LARGEST = 2**63 - 1
"""Rows and bytes that engines can count."""
MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([MG])(i?)B")
LEAST_MEMORY = 64 * 10**6
"""With half of it, DuckDB cannot even open a file of events."""


def _usable_memory(value: str) -> str:
    if not (size := MEMORY.fullmatch(value.strip())):
        raise ValueError(f"{value!r} is not a size; write it in MB, GB, MiB or GiB, such as 500MB")
    number, unit, binary = size.groups()
    size_bytes = float(number) * (1024 if binary else 1000) ** {"M": 2, "G": 3}[unit]
    if not LEAST_MEMORY <= size_bytes < LARGEST:
        raise ValueError(
            f"DuckDB cannot work with {value}; give it at least {LEAST_MEMORY // 10**6}MB, and what the machine has"
        )
    return value.strip()


class WarehouseSettings(Frozen):
    """Where the tables live."""

    engine: Literal["duckdb", "bigquery"] = "duckdb"
    """The engine that does the work."""
    path: Annotated[Path, BeforeValidator(regular_file)] = Path("mixflows.duckdb")
    """DuckDB's file."""
    memory_limit: Annotated[str, AfterValidator(_usable_memory)] = "1GB"
    """Memory that DuckDB may use, at least 64 MB; beyond it, DuckDB spills to disk beside the file."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads of DuckDB; by default one per core."""


class BigQuerySettings(Frozen):
    """Where the tables live on BigQuery, as whom, and how much a statement may cost."""

    project: str | None = None
    """The project that runs and pays the jobs, and holds the published tables."""
    location: str = "US"
    """The location of the datasets."""
    dataset: Identifier = "mixpanel"
    """The dataset of the published tables, the ledger and the quality results."""
    source_project: str | None = None
    """The project of the source table, which is only read; by default `project`."""
    source_dataset: OptionalName = None
    """The dataset of the source table; by default `dataset`."""
    staging_dataset: OptionalName = None
    """The dataset of short-lived tables; by default `dataset`."""
    staging_hours: int = Field(default=24, ge=1, le=8760)
    """Hours after which short-lived tables expire."""
    key_file: Annotated[Path | None, BeforeValidator(file_path)] = None
    """A service account's key file; by default Application Default Credentials."""
    credentials_block: str | None = None
    """The name of a prefect-gcp GcpCredentials block; overrides `key_file`."""
    maximum_bytes_billed: int | None = Field(default=None, ge=1, le=LARGEST)
    """A statement that would bill more bytes fails before anything is billed."""
    priority: Literal["INTERACTIVE", "BATCH"] = "INTERACTIVE"
    """The priority of the jobs."""
    job_timeout_seconds: int = Field(default=3600, ge=1, le=86_400)
    """A job that takes longer is cancelled."""
    require_partition_filter: bool = True
    """Whether BigQuery refuses queries on the published tables without a filter on the day."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Labels on every job and table, in addition to those of mixflows."""
    batch_bytes: int = Field(default=500_000_000_000, ge=1, le=LARGEST)
    """Source bytes per batch, approximately, and at most a third of `maximum_bytes_billed`; a larger day is a batch of its own."""
    price_per_tib: float = Field(default=6.25, ge=0, le=1_000_000)
    """Money per TiB billed; used for estimates only."""
    full_scan_bytes: int = Field(default=100 * 10**9, ge=0, le=LARGEST)
    """A statement that cannot be limited to one day (a source that is not partitioned by day, a search in every day) is refused,
    with its price, if it would read more bytes than this."""
    accept_full_scans: bool = False
    """Run such a statement anyway."""
    api_endpoint: str | None = None
    """Another address of the API, such as a local server; no credentials are needed then."""

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
