"""The warehouse boundary: what a day needs of an engine, and nothing else. Outside it nobody knows which engine runs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.model import Cost, SourceDay
from mixflows.warehouse.source import SourceShape

Row = dict[str, Any]
Params = Mapping[str, Any]
Narrowed = Callable[[str, Sequence[str]], AbstractContextManager[str]]


@dataclass(frozen=True)
class RowAccess:
    """A door to the staged days through SQLAlchemy.

    Attributes:
        connection_string: SQLAlchemy's URL of the warehouse, such as `duckdb:///:memory:` where `creator` connects.
        schema_name: Where the staged days are, such as `staging.main`; None for the connection's own schema.
        engine_options: Further arguments of `sqlalchemy.create_engine`. Connections of a `creator`, a function that
            returns a DBAPI connection, are never pooled, so that it may hand out cursors of one open connection.
        narrowed: Gives, for a while, a table with some columns of a staged day alone, where reading the staged day
            again and again costs more than writing these columns once; None where it does not. One at a time.
    """

    connection_string: str
    schema_name: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    narrowed: Narrowed | None = None


@dataclass(frozen=True)
class DayTables:
    """Names of one staged day's short-lived tables; they end in run and attempt, so that no two runs share one.

    Attributes:
        stage: Every source row of the day with `row_num`, `rejection_reason`, `is_exact_copy` and `fingerprint`.
        copies: Only the rows that needed ranking or were invalid.
        rejected_next: The rows that the day's rejected table is to hold.
    """

    stage: str
    copies: str
    rejected_next: str

    @classmethod
    def of(cls, day: date, run_id: str, attempt: int) -> "DayTables":
        """The names for one day in one attempt of one run."""
        end = f"{day:%Y%m%d}_{''.join(c for c in run_id if c.isalnum())[:12]}_{attempt}"
        return cls(f"stg_mp_dedup_events_{end}", f"stg_mp_copies_{end}", f"stg_mp_rejected_{end}")


@dataclass(frozen=True)
class DayStatement:
    """A statement of `sql/`, for one staged day.

    Attributes:
        name: The file's name without its ending.
        tables: The day's short-lived tables.
        params: Values by parameter name.
        flags: What the template asks besides (`compare_content`, …).
    """

    name: str
    tables: DayTables
    params: Params
    flags: tuple[str, ...] = ()


class Warehouse(Protocol):
    """One engine with its tables. Safe to share between threads; a transaction belongs to its thread."""

    engine: str

    def create_tables(self) -> tuple[str, ...]:
        """Makes what is missing (the published tables once there is a source) and returns what it made or added."""
        ...

    def shape(self) -> SourceShape:
        """The source's columns and roles. Raises SourceColumnsError or MissingTableError."""
        ...

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Days of the source with rows and version, and the rows that belong to no day; never reads event rows."""
        ...

    def query(self, name: str, params: Params | None = None) -> list[Row]:
        """Runs a statement of `sql/` that returns few rows."""
        ...

    def run(self, statement: DayStatement) -> list[Row]:
        """Runs one statement for one day. A statement that returns no rows returns an empty list."""
        ...

    def replace_day(self, table: str, statement: DayStatement) -> None:
        """Makes a published day equal to the rows of a SELECT, atomically."""
        ...

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows to the ledger or the quality results."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, where the engine can; else each statement is atomic alone."""
        ...

    def drop_stage(self, tables: DayTables) -> None:
        """Removes a day's short-lived tables."""
        ...

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims days for a run, or renews its claims; returns the days it did not get, each with who holds it."""
        ...

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives claimed days back."""
        ...

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Landing:
        """Loads one raw-export file in one transaction. Raises LandingError; then nothing of the file is there."""
        ...

    def price(self, statement: DayStatement, replaces: str | None = None) -> int | None:
        """Bytes that a statement for one day would bill, without running it; None where nothing is billed.

        Args:
            statement: It may read short-lived tables that are not there yet.
            replaces: The published table that its rows would replace the day of.
        """
        ...

    def source_bytes(self) -> int | None:
        """Bytes that reading the whole source would bill, from metadata; None where nothing is billed."""
        ...

    def cost(self, day: date) -> Cost:
        """What the day's statements were billed since the last call."""
        ...

    def row_access(self) -> RowAccess:
        """How Great Expectations reaches a staged day."""
        ...

    def cancel(self, run_id: str) -> None:
        """Cancels a run's statements where they would go on without this process, and starts no more for its days."""
        ...

    def close(self) -> None:
        """Gives the warehouse back; safe to call twice."""
        ...
