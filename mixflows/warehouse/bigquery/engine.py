"""BigQuery: the engine for where one machine ends. All work happens there; counts and metadata come back."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from google.cloud import bigquery

from mixflows.days import FIRST_DAY
from mixflows.errors import MissingTableError, SourceColumnsError
from mixflows.model import Cost, Run
from mixflows.settings import Settings
from mixflows.warehouse.base import SHORT_LIVED, BatchDay, BatchStatement, BatchTables, Params, Row, RowAccess
from mixflows.warehouse.bigquery.appending import append_rows
from mixflows.warehouse.bigquery.audit import STEP as AUDIT_STEP
from mixflows.warehouse.bigquery.audit import StagedRows
from mixflows.warehouse.bigquery.claims import Claims, ClaimsRow, utc_now
from mixflows.warehouse.bigquery.client import make_client
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import BigQueryDialect, as_of, partitions_view, quote, replacement
from mixflows.warehouse.bigquery.errors import ERRORS
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.length import days_that_fit
from mixflows.warehouse.bigquery.pricing import billed, refuse_full_scan, stand_ins
from mixflows.warehouse.bigquery.source_days import TellsDays
from mixflows.warehouse.bigquery.sources import source_of
from mixflows.warehouse.bigquery.tables import (
    complete,
    fields_of,
    follow_source,
    make_published,
    published_fields,
    reads,
)
from mixflows.warehouse.bigquery.takes_files import TakesFiles
from mixflows.warehouse.bigquery.together import Together
from mixflows.warehouse.bigquery.whole_days import SetAside, WholeDays, copied_days
from mixflows.warehouse.descriptions import VIEWS
from mixflows.warehouse.expressions import Expressions
from mixflows.warehouse.foreign import refuse_foreign
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.source import PUBLISHED_DAY, Source
from mixflows.warehouse.transpile import laid_out, missing_columns

WITHOUT_SOURCE = (
    "create_",
    "claims_",
    "land_",
    "ledger_",
    "report_",
    "costs",
    "fetched_slots",
    "gone_slots",
    "profiles",
    "partitions",
    "published_partitions",
)
"""How the names of statements begin that name no column of the source."""


class BigQueryWarehouse(TakesFiles, TellsDays):
    """Datasets of one project, and a source that may be another's.

    Args:
        settings: Names, rules, project and caps.
        now: The clock of its claims; UTC.

    Raises:
        SettingsError: The credentials that the settings name cannot be read.
        WarehouseError: There are no credentials.
    """

    engine = "bigquery"

    def __init__(self, settings: Settings, now: Callable[[], datetime] = utc_now) -> None:
        self._settings, self._place = settings, settings.bigquery
        self._client = make_client(settings.bigquery)
        self.dataset = Dataset(self._client, settings)
        self._jobs = Jobs(self._client, settings.bigquery)
        self._together = Together(self._jobs)
        self._claims = Claims(ClaimsRow(self._jobs, self.rendered, self._run), now)
        self._jobs.is_lost = self._claims.is_lost
        self._lock = threading.RLock()
        self._whole_days = WholeDays(self._client, self._jobs, settings.bigquery.labels)
        self._staged_rows = StagedRows(self._client, self._jobs, self._place, self.dataset)
        self._runs: dict[str, Run] = {}
        self._known_source: Source | None = None
        self._partitioned_by: str | None = None
        self._most_days = 1

    # Tables

    def create_tables(self) -> tuple[str, ...]:
        """Makes what is missing, and adds the source's new columns to the published tables; see the boundary."""
        made: list[str] = []
        if (source := self.dataset.table("source")) is not None:
            self.forget_source()
            self.source()  # what it is refused for is said before anything is made
        if not self.dataset.has_json_text():
            self.query("create_json_text")
        for role in ("ledger", "quality", "profiles", "landings", "malformed", "claims"):
            if (table := self._ours(role)) is None:
                self.query(f"create_{role}")
                made.append(self.dataset.table_id(role).rpartition(".")[2])
                table = self.dataset.table(role)
            elif added := complete(self._client, table, self.rendered(f"create_{role}")):
                made += added
                table = self.dataset.table(role)
            self.dataset.describe(table, role)
        if source is not None:
            for role in ("events", "rejected"):
                made += self._aligned(role, source)
            for view, read in VIEWS.items():
                table = self._ours(view)
                if table is None or not reads(table, self.dataset.table_id(read)):
                    self.query(f"create_{view}")
                    made += [getattr(self._settings.tables, view)] if table is None else []
                    table = self.dataset.table(view)
                self.dataset.describe(table, view)
        return tuple(made)

    def _aligned(self, role: str, source: bigquery.Table) -> list[str]:
        """Makes a published table, or gives it the source's new columns."""
        name = getattr(self._settings.tables, role)
        fields = published_fields(source, role, self.source())
        table = self._ours(role)
        with self.dataset.told(f"create {name}"):
            if table is None:
                make_published(self._client, self.dataset.table_id(role), role, fields, self.source(), self._settings)
                return [name]
            alter = partial(self._jobs.run, params={}, step=Step(f"follow_source_{role}"))
            return follow_source(self._client, table, fields, self._settings, role, alter)

    def _ours(self, role: str) -> bigquery.Table | None:
        """One of our tables or views, if it is there.

        Raises:
            UsageError: It is another's.
        """
        if (table := self.dataset.table(role)) is not None and role != "claims":
            columns = [field.name for field in fields_of(table)]
            refuse_foreign(self._settings, role, columns, is_view=table.table_type == "VIEW")
        return table

    def address(self, role: str) -> str:
        """A table as a URL: project, dataset and table."""
        return f"bigquery://{self.dataset.table_id(role).replace('.', '/')}"

    def source(self) -> Source:
        """The source's columns and roles; see the boundary."""
        with self._lock:
            if self._known_source is None:
                table = self.dataset.table("source")
                if table is None:
                    with self.dataset.told("look up the source's dataset"):
                        self._client.get_dataset(self.dataset.of_source)
                    raise MissingTableError(
                        f"table {self.dataset.table_id('source')} is not there", self.dataset.advice_on_source()
                    )
                self._known_source, self._partitioned_by = source_of(table, self._settings)
                try:
                    self._most_days = days_that_fit(self._known_source, self._over_days)
                except SourceColumnsError:
                    self._known_source = None
                    raise
            return self._known_source

    def forget_source(self) -> None:
        """Reads the source's columns anew at the next use."""
        with self._lock:
            self._known_source = None

    # Statements

    def rendered(
        self,
        name: str,
        flags: tuple[str, ...] = (),
        days: Sequence[BatchDay] = (),
        short_lived: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> str:
        """A statement for days.

        Args:
            short_lived: The batch's short-lived tables as they stand in the text, by role.
            at: When the source is read; None for now.
        """
        source = None if name.startswith(WITHOUT_SOURCE) else self.source()
        dialect = self._dialect(days)
        tables = {role: quote(self.dataset.table_id(role)) for role in self._settings.tables.model_dump()}
        tables["claims"] = quote(self.dataset.table_id("claims"))
        options = {
            "json_text": quote(self.dataset.json_text),
            "days": dialect.days(),
            "as_of": as_of(at),
            "source_partitions": partitions_view(self.dataset.of_source),
            "published_partitions": partitions_view(self.dataset.table_id("events").rsplit(".", 1)[0]),
            "stage_options": self.dataset.stage_options,
            "set_aside": SetAside(days, marks_gone=source is not None and source.marks_gone),
            "of_next": self._expressions(source, [day for day in days if not day.is_delta]),
            "of_source": self._expressions(source, [day for day in days if day.is_delta]),
        }
        statements = Statements({**tables, **(short_lived or {})}, self._settings, source, dialect, **options)
        return statements.render(name, flags)

    def _expressions(self, source: Source | None, days: Sequence[BatchDay]) -> Expressions | None:
        return Expressions(source, self._settings, self._dialect(days)) if source and days else None

    def _dialect(self, days: Sequence[BatchDay]) -> BigQueryDialect:
        return BigQueryDialect(quote(self.dataset.json_text), days, self._settings.zone)

    def _text(self, statement: BatchStatement) -> str:
        tables = self.dataset.short_lived(statement.tables)
        return self.rendered(statement.name, statement.flags, statement.days, tables, statement.as_of)

    def _over_days(self, name: str, flags: tuple[str, ...], days: int) -> str:
        tables = self.dataset.short_lived(BatchTables.of(FIRST_DAY, Run(self.engine)))
        return self.rendered(name, flags, self._constants([FIRST_DAY + timedelta(2 * n) for n in range(days)]), tables)

    def _run(self, run_id: str) -> Run:
        with self._lock:
            return self._runs.get(run_id, Run(run_id))

    def query(self, name: str, params: Params | None = None, days: Sequence[date] = ()) -> list[Row]:
        """Runs a statement of `sql/`; see the boundary."""
        return self._jobs.run(self.rendered(name, days=self._constants(days)), params or {}, Step(name))

    def text(self, name: str, days: Sequence[date] = ()) -> str:
        """A statement of `sql/`, laid out; see the boundary."""
        return laid_out(self.rendered(name, days=self._constants(days)), "bigquery")

    def _constants(self, days: Sequence[date]) -> list[BatchDay]:
        return [BatchDay.of(day, self._settings) for day in days]

    def run(self, statement: BatchStatement) -> list[Row]:
        """Runs one statement over days of a batch; see the boundary."""
        with self._lock:
            self._runs[statement.run.run_id] = statement.run
            for name in (statement.tables.stage, statement.tables.judged):
                self._staged_rows.steps[name] = Step.of(statement, AUDIT_STEP)
        return self._together.run(self._text(statement), statement.params, Step.of(statement))

    def source_bytes(self) -> int:
        """Logical bytes of the whole source, from its metadata; see the boundary."""
        table = self.dataset.table("source")
        return int(table.num_bytes or 0) if table else 0

    def refuse_full_scan(self, what: str, hint: str, queries: Sequence[tuple[str, Params, Sequence[date]]]) -> None:
        """Prices queries by dry runs; see the boundary."""
        texts = [
            (self.rendered(name, days=self._constants(days)), params, Step(name)) for name, params, days in queries
        ]
        refuse_full_scan(sum(self._jobs.price(*text) for text in texts), what, hint, self._place)

    def price(self, statement: BatchStatement, replaces: str | None = None) -> int:
        """Bytes of a dry run, and the least that is billed; see the boundary."""
        real = self.dataset.short_lived(statement.tables)
        x = Expressions(self.source(), self._settings, self._dialect(statement.days))
        known = dict(stand_ins(quote(self.dataset.table_id("source")), self.source(), x))
        if statement.name in known:  # the statement makes that table
            known[statement.name] = real[statement.name]

        def text(tables: Mapping[str, str]) -> str:
            select = self.rendered(statement.name, statement.flags, statement.days, tables)
            return self._replacement(replaces, select, statement.days) if replaces else select

        return billed(self._jobs.price(text(known), statement.params, Step.of(statement)), text(real))

    def stage(self, copies: BatchStatement, *views: BatchStatement) -> None:
        """Reads the source's wide columns once; see the boundary.

        Events of days that are replaced whole go into their own table, rows that need ranking into a day of it far in the
        past. Those are ranked, and the winners added. The stage is a view of that table, the source and the copies.
        """
        with self.dataset.told("create the staged events"):
            expires = datetime.now(UTC) + timedelta(hours=self._place.staging_hours)
            events = self._client.get_table(self.dataset.table_id("events"))
            self._whole_days.create_table(self.dataset.short_lived_id(copies.tables.events_next), events, expires)
        self._add_events(replace(copies, name="events_next"))
        self._run_short_lived(copies)
        if whole := tuple(day for day in copies.days if not day.is_delta):
            self._add_events(replace(copies, name="winners", days=whole))
        for view in views:
            self._run_short_lived(view)

    def _add_events(self, select: BatchStatement) -> None:
        columns = ", ".join(map(quote, self.source().published_columns("events")))
        table = quote(self.dataset.short_lived_id(select.tables.events_next))
        self._run_short_lived(select, f"INSERT INTO {table} ({columns})\n")

    def _run_short_lived(self, statement: BatchStatement, before: str = "") -> None:
        """Runs a statement on short-lived tables of this process: one of the same text in another process made other tables."""
        step = replace(Step.of(statement), may_repeat=True)
        self._jobs.run(before + self._text(statement), statement.params, step)

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        """Copies the partitions that were staged, and replaces other days in one MERGE; see the boundary.

        Days that seem empty are replaced as well: a statement of a run that was killed may still be writing them, and two
        statements that delete never both go through.
        """
        copied = copied_days(statement, rows) if table == "events" and not self._together.is_collecting else []
        if copied:
            staged = self.dataset.short_lived_id(statement.tables.events_next)
            self._whole_days.copy(staged, self.dataset.table_id("events"), statement, copied)
        rest = replace(statement, days=tuple(day for day in statement.days if day not in copied))
        if rest.days:
            merge = self._replacement(table, self._text(rest), rest.days)
            self._together.run(merge, rest.params, Step.of(rest, f"replace_{table}"))

    def _replacement(self, table: str, select: str, days: Sequence[BatchDay]) -> str:
        names = self.source().published_columns(table)
        replaced = self._dialect(days).in_days(f"t.{quote(PUBLISHED_DAY)}")
        return replacement(self.dataset.table_id(table), names, select, replaced)

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows by INSERT, so that a job id guards against adding them twice; see the boundary."""
        if rows:
            types = dict(missing_columns(self.rendered(f"create_{table}"), "bigquery", ()))
            append_rows(self._jobs, self.dataset.table_id(table), table, types, rows, self._run)

    def drop_batch(self, tables: BatchTables) -> None:
        """Removes a batch's short-lived tables; see the boundary. They expire by themselves, so nothing fails for them."""
        with self._lock:
            for name in (tables.stage, tables.judged):
                self._staged_rows.steps.pop(name, None)
        with suppress(*ERRORS):
            for role in SHORT_LIVED:
                self._client.delete_table(self.dataset.short_lived_id(getattr(tables, role)), not_found_ok=True)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Nothing: each statement is atomic alone, and the ledger row comes last. A transaction here locks whole tables."""
        yield

    def together(self) -> AbstractContextManager[None]:
        """One transaction, in one job; see the boundary."""
        return self._together.collected()

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims days across machines; see the boundary."""
        return self._claims.claim(days, holder)

    def fence(self, days: Sequence[date], holder: str) -> None:
        """Renews claims that are still held; see the boundary."""
        self._claims.fence(days, holder)

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives claimed days back; see the boundary."""
        self._claims.release(days, holder)

    def cost(self, tables: BatchTables) -> Cost:
        """Bytes billed and slot time of the batch's jobs; see the boundary."""
        return self._jobs.cost(tables)

    def row_access(self) -> RowAccess:
        """Great Expectations reads the staged batch's table through our own client."""
        return self._staged_rows.access()

    def cancel(self, run_id: str) -> None:
        """Cancels the run's jobs; see the boundary."""
        self._jobs.cancel(run_id)

    def close(self) -> None:
        """Cancels running jobs and closes the client."""
        self._claims.close()
        self._jobs.cancel()
        self._client.close()
