"""The warehouse boundary: what the pipeline needs of an engine, and nothing else. Outside of it nobody knows which engine runs.

Three protocols: `LandsFiles` takes in files; `Warehouse` is that and the work on days; `Billing` tells what statements cost, and only an
engine that bills has it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from mixflows.days import day_bounds, day_start, micros
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery, Superseded
from mixflows.model import Cost, Run, SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.source import Source

Row = dict[str, Any]
Params = Mapping[str, Any]
Narrowed = Callable[[str, Sequence[str] | None, date | None], AbstractContextManager[str]]


@dataclass(frozen=True)
class RowAccess:
    """A door to the staged batches through SQLAlchemy.

    Attributes:
        connection_string: SQLAlchemy's URL of the warehouse, such as `duckdb:///:memory:` where `creator` connects.
        schema_name: Where the staged batches are, such as `staging.main`; None for the connection's own schema.
        engine_options: Further arguments of `sqlalchemy.create_engine`. Connections of a `creator`, a function that
            returns a DBAPI connection, are never pooled, so that it may hand out cursors of one open connection.
        quote: Quotes an identifier as the engine does.
        narrowed: Gives, for a while, a table with some columns of a staged batch (None: all) and one of its days (None: all).
    """

    connection_string: str
    narrowed: Narrowed
    quote: Callable[[str], str]
    schema_name: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class BatchTables:
    """Names of one batch's short-lived tables; they end in its first day, run and attempt, so that no two batches share one.

    Attributes:
        touched: Insert ids whose copies in the source are not those that are published.
        copies: The rows that needed ranking or were invalid.
        stage: Every source row of the batch's days with `row_num`, `rejection_reason` and `is_exact_copy`.
        judged: Those of its rows that publishing may change, where that is not all of them: of delta days, the ranked ones.
        events_next: The events of the days that are replaced whole, on an engine that publishes them by copying partitions.
        rejected_next: The rejected copies that are to be written.
    """

    touched: str
    copies: str
    stage: str
    judged: str
    events_next: str
    rejected_next: str

    @classmethod
    def of(cls, day: date, run: Run) -> "BatchTables":
        """The names for the batch that begins with a day, in one attempt of one run."""
        end = f"{day:%Y%m%d}_{''.join(c for c in run.run_id if c.isalnum())[:12]}_{run.attempt}"
        names = ("touched", "copies", "dedup_events", "judged", "events", "rejected")
        return cls(*(f"stg_mp_{name}_{end}" for name in names))


SHORT_LIVED = tuple(f.name for f in fields(BatchTables))
"""What statements call a batch's short-lived tables."""


@dataclass(frozen=True)
class BatchDay:
    """One day of a statement, with the constants that it needs of it; instants in microseconds since 1970, UTC.

    Attributes:
        late_from_us: Copies that arrive from here on are late.
        is_delta: Whether the day is staged to be published by replacing touched ids only.
        repairs_surplus: Whether a published copy too many of a copy that the source has is damage.
    """

    day: date
    start_us: int
    end_us: int
    late_from_us: int
    is_delta: bool = False
    repairs_surplus: bool = False

    @classmethod
    def of(cls, day: date, settings: Settings, *, is_delta: bool = False, repairs_surplus: bool = False) -> "BatchDay":
        """A day in the project's time zone."""
        start, end = day_bounds(day, settings.zone)
        late_from = day_start(day + timedelta(days=settings.pipeline.lookback_days + 1), settings.zone)
        return cls(day, micros(start), micros(end), micros(late_from), is_delta, repairs_surplus)


@dataclass(frozen=True)
class BatchStatement:
    """A statement of `sql/` over days of one batch.

    Attributes:
        name: The file's name without its ending.
        days: The days that it reads or writes; constants in its text.
        params: Values by parameter name.
        flags: What the template asks besides.
        as_of: The instant at which the source is read, where the engine can; None for now.
    """

    name: str
    tables: BatchTables
    days: tuple[BatchDay, ...]
    run: Run
    params: Params = field(default_factory=dict[str, Any])
    flags: tuple[str, ...] = ()
    as_of: datetime | None = None


class LandsFiles(Protocol):
    """An engine that takes in export files."""

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Landing:
        """Loads one raw-export file, all or nothing. Raises LandingError; then nothing of the file is there."""
        ...

    def supersede(
        self,
        content: FileContent,
        delivery: Delivery,
        *,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Superseded:
        """Makes whole days what a delivery says, in one transaction.

        Args:
            content: The inspected file, under the slot's name.

        Raises:
            LandingError: The file is refused, or lacks events (ShrunkError); nothing was written.
            UsageError: The days were landed with times in another unit, or in another time zone.
        """
        ...

    def date_landed_rows(self) -> None:
        """Gives landed rows that were dated in another time zone their days in the project's, published ones too."""
        ...


class Warehouse(LandsFiles, Protocol):
    """One engine with its tables. Safe to share between threads; a transaction belongs to its thread."""

    engine: str

    def create_tables(self) -> tuple[str, ...]:
        """Creates what is missing (the published tables once there is a source) and returns what it created or added."""
        ...

    def address(self, role: str) -> str:
        """A long-lived table as a URL, the same in every run; contains no path of a machine."""
        ...

    def source(self) -> Source:
        """The source's columns and roles. Raises SourceColumnsError or MissingTableError."""
        ...

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Days of the source with rows and version, and the rows that belong to no day; never reads event rows."""
        ...

    def published_rows(self) -> dict[date, tuple[int, int]]:
        """How many events and rejected copies the published tables have of each day; from metadata where it is exact."""
        ...

    def query(self, name: str, params: Params | None = None, days: Sequence[date] = ()) -> list[Row]:
        """Runs a statement of `sql/` that returns few rows; `days` are those that it reads, if it names any."""
        ...

    def text(self, name: str, days: Sequence[date] = ()) -> str:
        """A statement of `sql/` as the engine gets it, laid out for people to read and copy; runs nothing."""
        ...

    def run(self, statement: BatchStatement) -> list[Row]:
        """Runs one statement over days of a batch. A statement that returns no rows returns an empty list."""
        ...

    def stage(self, copies: BatchStatement, *views: BatchStatement) -> None:
        """Ranks the copies that are not plainly kept, and makes the batch readable by its views: `stage`, `judged`."""
        ...

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        """Makes published days equal to the rows of a SELECT, atomically.

        Args:
            table: `events` or `rejected`.
            statement: The SELECT, over the days.
            rows: How many rows it has of each day.
            is_empty: Whether nothing is published of the days yet.
        """
        ...

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows to the ledger, the profiles or the quality results."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, where the engine can; else each statement is atomic alone."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """All or nothing on every engine, for changes of published tables alone; on some, others wait for them meanwhile."""
        ...

    def drop_batch(self, tables: BatchTables) -> None:
        """Removes a batch's short-lived tables."""
        ...

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims days for a run that lives, or renews its claims; returns those that other runs hold, each with its holder."""
        ...

    def fence(self, days: Sequence[date], holder: str) -> None:
        """Makes sure, right before days are published, that the run still holds them. Raises DayHeldError."""
        ...

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives claimed days back."""
        ...

    def row_access(self) -> RowAccess:
        """How Great Expectations reaches a staged batch."""
        ...

    def cancel(self, run_id: str) -> None:
        """Cancels a run's statements where they would go on without this process, and starts no more of them."""
        ...

    def close(self) -> None:
        """Gives the warehouse back; safe to call twice."""
        ...


@runtime_checkable
class Billing(Protocol):
    """An engine that bills what statements read."""

    def price(self, statement: BatchStatement, replaces: str | None = None) -> int:
        """Bytes that a statement would bill, without running it.

        Args:
            statement: It may read short-lived tables that are not there yet.
            replaces: The published table that its rows would replace the days of.
        """
        ...

    def refuse_full_scan(self, what: str, hint: str, queries: Sequence[tuple[str, Params, Sequence[date]]]) -> None:
        """Raises UsageError with the price where queries (name, values, days) read too much, unless that is accepted.

        Args:
            what: What reads so much, the beginning of a sentence that ends with bytes and price.
            hint: How less is read.
            queries: Statements of `sql/`.
        """
        ...

    def source_bytes(self) -> int:
        """Bytes that reading the whole source would bill, from metadata."""
        ...

    def cost(self, tables: BatchTables) -> Cost:
        """What the batch's statements were billed since the last call."""
        ...
