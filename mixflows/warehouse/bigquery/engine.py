"""BigQuery: the engine for where one machine ends. All work happens there; counts and metadata come back."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NoReturn

from google.api_core import exceptions as api
from google.cloud import bigquery

from mixflows.errors import MissingTableError, UsageError
from mixflows.intake.content import FileContent
from mixflows.model import Cost, SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.base import DayStatement, DayTables, Params, Row, RowAccess
from mixflows.warehouse.bigquery.audit import STEP as AUDIT_STEP
from mixflows.warehouse.bigquery.audit import AuditClient
from mixflows.warehouse.bigquery.claims import Claims
from mixflows.warehouse.bigquery.client import make_client
from mixflows.warehouse.bigquery.errors import ERRORS, translated
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.partitions import counted_days, exported_days, partition_days
from mixflows.warehouse.bigquery.pricing import billed, priceable
from mixflows.warehouse.bigquery.sources import (
    EXPORT_LOG,
    ExportLog,
    partition_column,
    refuse_unpruned,
    refuse_view,
)
from mixflows.warehouse.bigquery.tables import (
    REJECTED_EXTRA,
    add_fields,
    columns_of,
    complete,
    describe,
    make_published,
    published_fields,
)
from mixflows.warehouse.rendering import DAY_TABLES, Expressions, Statements, quote
from mixflows.warehouse.source import Column, SourceShape

JSON_TEXT = "mixflows_json_text"
"""The persistent function that writes JSON as text for the fingerprint; `mixflows init` makes it."""
CLAIMS = "mp_day_claims"


class BigQueryWarehouse:
    """Datasets of one project, and a source that may be another's.

    Args:
        settings: Names, rules, project and caps.

    Raises:
        SettingsError: The credentials that the settings name cannot be read.
        WarehouseError: There are no credentials.
    """

    engine = "bigquery"

    def __init__(self, settings: Settings) -> None:
        self._settings, self._place = settings, settings.bigquery
        self._client = make_client(settings.bigquery)
        self._jobs = Jobs(self._client, settings.bigquery)
        self._claims = Claims(self._claim_statement)
        self._lock = threading.RLock()
        self._staged: dict[str, Step] = {}
        self._sql: dict[tuple[str, tuple[str, ...]], str] = {}
        self._shape: SourceShape | None = None
        self._partitioned_by: str | None = None

    # Tables

    def table_id(self, role: str) -> str:
        """`project.dataset.table` of a long-lived table."""
        place = self._place
        name = CLAIMS if role == "claims" else getattr(self._settings.tables, role)
        if role == "source":
            return f"{place.source_project or place.project}.{place.source_dataset or place.dataset}.{name}"
        return f"{place.project}.{place.dataset}.{name}"

    def create_tables(self) -> tuple[str, ...]:
        """Makes what is missing, and adds the source's new columns to the published tables; see the boundary."""
        made: list[str] = []
        if not self._has_json_text():
            self._execute("create_json_text")
        for role in ("ledger", "quality", "profiles", "landings", "malformed"):
            if (table := self._table(role)) is None:
                self._execute(f"create_{role}")
                made.append(getattr(self._settings.tables, role))
                table = self._table(role)
            elif added := complete(self._client, table, self.rendered(f"create_{role}")):
                made += added
                table = self._table(role)
            self._describe(table, role)
        if (claims := self._table("claims")) is None:
            self._execute("create_claims")
            claims = self._table("claims")
        self._describe(claims, "claims")
        source = self._table("source")
        if source is not None:
            self.forget_shape()
            for role in ("events", "rejected"):
                made += self._aligned(role, source)
            for view in ("duplicates_view", "reasons_view"):
                table = self._table(view)
                if table is None:
                    self._execute(f"create_{view}")
                    made.append(getattr(self._settings.tables, view))
                    table = self._table(view)
                self._describe(table, view)
        return tuple(made)

    def _aligned(self, role: str, source: bigquery.Table) -> list[str]:
        """Makes a published table, or gives it the source's new columns."""
        shape, name = self.shape(), getattr(self._settings.tables, role)
        fields = published_fields(source, role, shape)
        table = self._table(role)
        with self._told(f"create {name}"):
            if table is None:
                make_published(self._client, self.table_id(role), role, fields, shape, self._settings)
                return [name]
            added = add_fields(self._client, table, fields, self._settings.tables.source)
            describe(self._client, table, role, self._settings)
            return added

    def _describe(self, table: bigquery.Table | None, role: str) -> None:
        if table is not None:
            with self._told(f"describe {role}"):
                describe(self._client, table, role, self._settings)

    def _table(self, role: str) -> bigquery.Table | None:
        with self._told(f"look up {role}"):
            try:
                return self._client.get_table(self.table_id(role))
            except api.NotFound as err:
                if "Not found: Dataset" in str(err):
                    raise
                return None

    def _has_json_text(self) -> bool:
        with self._told(f"look up {JSON_TEXT}"):
            try:
                self._client.get_routine(self._json_text)
            except api.NotFound as err:
                if "Not found: Dataset" in str(err):
                    raise
                return False
        return True

    @property
    def _json_text(self) -> str:
        return f"{self._place.project}.{self._place.dataset}.{JSON_TEXT}"

    def shape(self) -> SourceShape:
        """The source's columns and roles; see the boundary."""
        with self._lock:
            if self._shape is None:
                table = self._table("source")
                if table is None:
                    with self._told("look up the source's dataset"):
                        self._client.get_dataset(self.table_id("source").rsplit(".", 1)[0])
                    raise MissingTableError(
                        f"table {self.table_id('source')} is not there", "Check [bigquery] and tables.source."
                    )
                refuse_view(table)
                self._shape = SourceShape.of(columns_of(table), self._settings)
                refuse_unpruned(table, self._settings)
                self._partitioned_by = partition_column(table)
            return self._shape

    def forget_shape(self) -> None:
        """Reads the source's columns anew at the next use."""
        with self._lock:
            self._shape = None
            self._sql.clear()

    # Statements

    def rendered(self, name: str, flags: tuple[str, ...] = ()) -> str:
        """The statement with its long-lived tables, not yet bound to a day."""
        with self._lock:
            text = self._sql.get((name, flags))
            if text is None:
                shape = None if name.startswith(("create_", "claims_", "ledger_")) else self.shape()
                tables = {role: quote(self.table_id(role)) for role in self._settings.tables.model_dump()}
                place = self._place
                tables["claims"] = quote(self.table_id("claims"))
                tables["json_text"] = quote(self._json_text)
                source = self.table_id("source").rsplit(".", 1)[0]
                tables["source_partitions"] = f"{quote(source)}.INFORMATION_SCHEMA.PARTITIONS"
                options = (
                    "OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL"
                    f" {place.staging_hours} HOUR), labels = [('app', 'mixflows')])"
                )
                statements = Statements(tables, self._settings, shape, self._text_rule, "TABLE", options)
                text = self._sql[name, flags] = statements.render(name, flags)
            return text

    def _text_rule(self, value: str, column: Column) -> str:
        """SQL of the text of a column's value; see docs/decisions/fingerprint.md."""
        function = quote(self._json_text)
        # TO_JSON_STRING writes an absent value as the text null.
        as_json = f"CASE WHEN {value} IS NOT NULL THEN {function}(TO_JSON_STRING({value})) END"
        texts = {
            "STRING": value,
            "TIMESTAMP": f"CAST(UNIX_MICROS({value}) AS STRING)",
            "FLOAT64": f"FORMAT('%.17g', {value})",
            "NUMERIC": f"FORMAT('%.17g', CAST({value} AS FLOAT64))",
            "BIGNUMERIC": f"FORMAT('%.17g', CAST({value} AS FLOAT64))",
            "INT64": f"CAST({value} AS STRING)",
            "BOOL": f"CAST({value} AS STRING)",
            "DATE": f"CAST({value} AS STRING)",
            "BYTES": f"TO_HEX({value})",
            "JSON": as_json,
        }
        return texts.get(column.type, as_json)

    def _staging_id(self, table: str) -> str:
        return f"{self._place.project}.{self._place.staging_dataset or self._place.dataset}.{table}"

    def bound(self, statement: DayStatement) -> str:
        """The statement with its day's short-lived tables; values come in when it is run."""
        text = self.rendered(statement.name, statement.flags)
        for name in DAY_TABLES:
            text = text.replace(f"`__{name}__`", quote(self._staging_id(getattr(statement.tables, name))))
        return text

    def _execute(self, name: str, params: Params | None = None) -> list[Row]:
        return self._jobs.run(self.rendered(name), params or {}, Step(name))

    def _claim_statement(self, name: str, params: dict[str, Any], holder: str) -> list[Row]:
        return self._jobs.run(self.rendered(name), params, Step(name, run_id=holder, may_repeat=True))

    def query(self, name: str, params: Params | None = None) -> list[Row]:
        """Runs a statement of `sql/`; see the boundary."""
        return self._execute(name, params)

    def run(self, statement: DayStatement) -> list[Row]:
        """Runs one statement for one day; see the boundary."""
        self._staged[statement.tables.stage] = _step(AUDIT_STEP, statement.params)
        return self._jobs.run(self.bound(statement), statement.params, _step(statement.name, statement.params))

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Days from the source's partition metadata; reads no event. See the boundary."""
        self.shape()
        if self._partitioned_by is None:
            listed, without_day = counted_days(self.query("source_days"), self._exports())
        else:
            rows = self.query("partitions", {"table_name": self._settings.tables.source})
            exported = {} if any(row.get("last_modified_time") for row in rows) else self._exports()
            listed, without_day = partition_days(rows, self._partitioned_by, self._settings, exported)
        return [day for day in listed if days is None or day.day in days], without_day

    def _exports(self) -> dict[date, datetime]:
        """What Mixpanel's export log tells, where there is one."""
        log_id = f"{self.table_id('source').rsplit('.', 1)[0]}.{EXPORT_LOG}"
        with self._told("look up the export log"):
            try:
                log = ExportLog.of(self._client.get_table(log_id))
            except api.NotFound:
                log = None
        if log is None:
            return {}
        names = {f"log_{role}": quote(name) for role, name in asdict(log).items()}
        sql = Statements({"export_log": quote(log_id), **names}, self._settings, None, self._text_rule, "TABLE")
        return exported_days(self._jobs.run(sql.render("exports"), {}, Step("exports")))

    def source_bytes(self) -> int | None:
        """Logical bytes of the whole source, from its metadata; see the boundary."""
        table = self._table("source")
        return (table.num_bytes or None) if table else None

    def price(self, statement: DayStatement, replaces: str | None = None) -> int | None:
        """Bytes of a dry run, and the least that is billed; see the boundary."""
        text = self.rendered(statement.name, statement.flags)
        if replaces is not None:
            text = self._replacement(replaces, text)
        x = Expressions(self.shape(), self._settings, self._text_rule)
        real = {name: quote(self._staging_id(getattr(statement.tables, name))) for name in DAY_TABLES}
        source = quote(self.table_id("source"))
        priced = priceable(text, real, source, self.shape(), x)
        read = self._jobs.price(priced, statement.params, _step(statement.name, statement.params))
        return billed(read, text)

    def replace_day(self, table: str, statement: DayStatement) -> None:
        """Deletes the day and inserts the SELECT's rows in one MERGE; see the boundary."""
        merge = self._replacement(table, self.bound(statement))
        self._jobs.run(merge, statement.params, _step(f"replace_{table}", statement.params))

    def _replacement(self, table: str, select: str) -> str:
        names = [c.name for c in self.shape().columns]
        if not self.shape().has_day_column:
            names.append("partition_date")
        if table == "rejected":
            names += REJECTED_EXTRA
        columns = ", ".join(quote(name) for name in names)
        values = ", ".join(f"s.{quote(name)}" for name in names)
        return (
            f"MERGE INTO {quote(self.table_id(table))} AS t\nUSING (\n{select}\n) AS s\nON FALSE\n"
            "WHEN NOT MATCHED BY SOURCE AND t.partition_date = @day THEN DELETE\n"
            f"WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({values})"
        )

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows by INSERT, so that a job id guards against adding them twice; see the boundary."""
        if not rows:
            return
        names = list(rows[0])
        params = {f"v{r}_{c}": row[name] for r, row in enumerate(rows) for c, name in enumerate(names)}
        values = ",\n".join("(" + ", ".join(f"@v{r}_{c}" for c in range(len(names))) + ")" for r in range(len(rows)))
        columns = ", ".join(quote(name) for name in names)
        sql = f"INSERT INTO {quote(self.table_id(table))} ({columns}) VALUES\n{values}"
        first = rows[0]
        step = Step(f"append_{table}", first["partition_date"], first["run_id"], first["attempt"])
        self._jobs.run(sql, params, step)

    def drop_stage(self, tables: DayTables) -> None:
        """Removes a day's short-lived tables; see the boundary. They expire by themselves, so no day fails for them."""
        self._staged.pop(tables.stage, None)
        with suppress(*ERRORS):
            for name in (tables.stage, tables.copies, tables.rejected_next):
                self._client.delete_table(self._staging_id(name), not_found_ok=True)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Nothing: each statement is atomic alone, and the ledger row comes last. A transaction here locks whole tables."""
        yield

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims days across machines; see the boundary."""
        return self._claims.claim(days, holder)

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives claimed days back; see the boundary."""
        self._claims.release(days, holder)

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> NoReturn:
        """Refuses: on BigQuery, Mixpanel's own pipeline writes the source.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{content.path.name} is not landed: on BigQuery, Mixpanel's warehouse pipeline writes the source",
            'Name its table in [bigquery] and tables.source; or land into DuckDB with warehouse.engine = "duckdb".',
        )

    def cost(self, day: date) -> Cost:
        """Bytes billed and slot time of the day's jobs; see the boundary."""
        return self._jobs.cost(day)

    def row_access(self) -> RowAccess:
        """Great Expectations reads the staged day's table through our own client."""
        dataset = self._place.staging_dataset or self._place.dataset
        return RowAccess(
            connection_string=f"bigquery://{self._place.project}/{dataset}?user_supplied_client=True",
            schema_name=dataset,
            engine_options={
                "connect_args": {
                    "client": AuditClient(self._client, self._jobs, self._staged),
                    # Counts are few rows; the Storage API would need another right and another endpoint.
                    "prefer_bqstorage_client": False,
                }
            },
        )

    def cancel(self, run_id: str) -> None:
        """Cancels the run's jobs; see the boundary."""
        self._jobs.cancel(run_id)

    def close(self) -> None:
        """Cancels running jobs and closes the client."""
        self._jobs.cancel()
        self._client.close()

    @contextmanager
    def _told(self, name: str) -> Generator[None]:
        try:
            yield
        except ERRORS as err:
            raise translated(err, name, self._place, self._client) from err


def _step(name: str, params: Params) -> Step:
    return Step(name, params["day"], params["run_id"], params["attempt"])
