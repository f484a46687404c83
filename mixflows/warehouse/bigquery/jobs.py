"""Jobs on BigQuery: labelled, capped, with ids that make a retry safe, and their errors in our words."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import hashlib
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator
from requests.exceptions import RequestException

from mixflows.errors import DayHeldError, WarehouseError
from mixflows.model import Cost, Run, StepCost, known_sum
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.base import BatchStatement, BatchTables
from mixflows.warehouse.bigquery.errors import ATTEMPTS, ERRORS, RUN_AGAIN, runs_again, translated
from mixflows.warehouse.bigquery.parameters import Parameter, parameters_of

T = TypeVar("T")
Job = bigquery.QueryJob | bigquery.CopyJob | bigquery.LoadJob

FIRST_WAIT_SECONDS = 1.0
REQUEST_SECONDS = 120.0
"""How long a single request is tried again through outages of the API."""

WRITES = ("added_", "append_", "delta_", "replace_")
"""How the names of steps begin that change a long-lived table; its role follows."""
DML_AT_ONCE = 20
"""So many statements that change a table may run or wait; BigQuery refuses further ones.

Source: https://cloud.google.com/bigquery/quotas, "data manipulation language (DML)".
"""
PAGE_ROWS = 100_000
"""Rows in one answer at most; BigQuery cuts an answer by its bytes besides. Where it is told, the first ones come with the answer
that the statement has ended; the client would ask for them once more.

Source: https://cloud.google.com/bigquery/docs/paging-results
"""
LONGEST_JOB_HOURS = 24
"""BigQuery ends a query after six hours, and one that waits for slots a day after it was sent."""
CANCEL_SECONDS = 20.0
CANCEL_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """What a job is for; goes into its labels and, with a count, into its id.

    Attributes:
        name: The statement.
        run: The run it belongs to, if any.
        first_day: The first of the days it works on, if any.
        days: How many those are.
        tables: The batch whose cost it is part of, if any.
        may_repeat: Whether a second run of it does no harm, so that its id need not be the same in every process.
    """

    name: str
    run: Run | None = None
    first_day: date | None = None
    days: int = 0
    tables: BatchTables | None = None
    may_repeat: bool = False

    @property
    def target(self) -> str:
        """The role of the long-lived table that the statement changes; empty where it changes none."""
        return self.name.partition("_")[2] if self.name.startswith(WRITES) else ""

    @classmethod
    def of(cls, statement: BatchStatement, name: str = "") -> "Step":
        """The step of a batch's statement."""
        first = statement.days[0].day if statement.days else None
        return cls(name or statement.name, statement.run, first, len(statement.days), statement.tables)


class Jobs:
    """Runs statements as jobs of one client.

    Args:
        client: The client.
        settings: Project, location, caps and labels.

    Attributes:
        is_lost: Whether a run does not hold its days any more; then no further statement on them is sent.
    """

    def __init__(self, client: bigquery.Client, settings: BigQuerySettings) -> None:
        self._client, self._settings = client, settings
        self.is_lost: Callable[[str], bool] = lambda _: False
        self._lock = threading.Lock()
        self._counts: dict[Step, int] = defaultdict(int)
        self._costs: dict[BatchTables, list[StepCost]] = defaultdict(list)
        self._running: dict[str, tuple[str, Job]] = {}
        self._cancelled: set[str] = set()
        self._writers: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(DML_AT_ONCE))

    def run(self, sql: str, params: Mapping[str, Any], step: Step) -> list[dict[str, Any]]:
        """Runs one statement to its end, with those of the values that it names.

        Retried are requests that the API could not answer and jobs that BigQuery asks to run again. A request whose
        answer was lost is not run twice: its job id exists then, and the job is looked up.

        Returns:
            The rows of a query, few; nothing for other statements.

        Raises:
            DayHeldError: The statement is one on days that the run does not hold any more.
            WarehouseError: In one sentence, with the next step.
        """
        self._refuse_lost(step)
        try:
            rows = self.read(sql, parameters_of(sql, params), step)
            return [dict(row.items()) for row in rows] if rows.total_rows else []
        except WarehouseError:
            self._refuse_lost(step)  # whoever took the days has cancelled the statement
            raise

    def _refuse_lost(self, step: Step) -> None:
        if step.run is not None and step.first_day is not None and self.is_lost(step.run.run_id):
            raise DayHeldError(f"statement {step.name} was not run: the run's claim of its days ran out", RUN_AGAIN)

    def read(self, sql: str, parameters: Sequence[Parameter], step: Step) -> RowIterator:
        """Runs a statement that is ready as it stands; see `run`."""
        base = self.job_id(step, sql, parameters)
        return self._attempts(step, base, lambda job_id: self._query(sql, parameters, step, job_id))

    def copy(self, source: str, destination: str, step: Step) -> None:
        """Replaces a partition by another table's, atomically, by a copy job: it is billed neither bytes nor slots.

        Args:
            source: `project.dataset.table$20260601`.
            destination: Likewise. Its table has the columns of the source's.

        Raises:
            WarehouseError: In one sentence, with the next step.

        Source: https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#copying_a_single_partition
        """
        base = self.job_id(step, f"{source} to {destination}", ())
        self._attempts(step, base, lambda job_id: self._copy(source, destination, step, job_id))

    def load(
        self, rows: Path | Sequence[str], destination: str, fields: Sequence[bigquery.SchemaField], step: Step
    ) -> None:
        """Adds rows to a table by a load job: it is billed neither bytes nor slots.

        Args:
            rows: Compressed JSON lines: a file, which may be sent several times, or the addresses of objects in a bucket. Their
                content is told by the step and the number of loads before it.
            destination: `project.dataset.table`, which is there.
            fields: The columns of the rows.

        Raises:
            WarehouseError: In one sentence, with the next step; none of the rows was added.
        """
        what = rows.name if isinstance(rows, Path) else " ".join(rows)
        base = self.job_id(step, f"{what} to {destination}", ())
        self._attempts(step, base, lambda job_id: self._load(rows, destination, fields, step, job_id))

    def _attempts(self, step: Step, base: str, once: Callable[[str], T]) -> T:
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            if self._is_cancelled(step):
                raise WarehouseError(f"statement {step.name} was not run: the run is being stopped", RUN_AGAIN)
            job_id = base if attempt == 1 else f"{base}_{attempt}"
            try:
                with self._writers[step.target] if step.target else nullcontext():
                    return once(job_id)
            except ERRORS as err:
                if attempt == ATTEMPTS or not runs_again(err):
                    raise translated(err, step.name, self._settings, self._client) from err
            time.sleep(wait)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _is_cancelled(self, step: Step) -> bool:
        """Whether a run is being stopped, and the step works on its days; it may still give its claims back."""
        return step.run is not None and step.first_day is not None and step.run.run_id in self._cancelled

    def _query(self, sql: str, parameters: Sequence[Parameter], step: Step, job_id: str) -> RowIterator:
        config = bigquery.QueryJobConfig(
            query_parameters=list(parameters),
            labels=self.labels(step),
            priority=self._settings.priority,
            use_query_cache=False,
        )
        # It counts from the job's creation, and a BATCH job may wait for hours.
        if self._settings.priority == "INTERACTIVE":
            config.job_timeout_ms = self._settings.job_timeout_seconds * 1000
        if self._settings.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = self._settings.maximum_bytes_billed
        sent: dict[str, Any] = {"job_id": job_id, "job_config": config, "location": self._settings.location}
        start = partial(self._client.query, sql, job_retry=None, **sent)
        return self._ended(start, step, job_id, job_retry=None, page_size=PAGE_ROWS)

    def _copy(self, source: str, destination: str, step: Step, job_id: str) -> None:
        config = bigquery.CopyJobConfig(
            write_disposition="WRITE_TRUNCATE", create_disposition="CREATE_NEVER", labels=self.labels(step)
        )
        sent: dict[str, Any] = {"job_id": job_id, "job_config": config, "location": self._settings.location}
        self._ended(partial(self._client.copy_table, source, destination, **sent), step, job_id)

    def _load(
        self,
        rows: Path | Sequence[str],
        destination: str,
        fields: Sequence[bigquery.SchemaField],
        step: Step,
        job_id: str,
    ) -> None:
        config = bigquery.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON",
            schema=list(fields),
            write_disposition="WRITE_APPEND",
            create_disposition="CREATE_NEVER",
            labels=self.labels(step),
        )
        sent: dict[str, Any] = {"job_id": job_id, "job_config": config, "location": self._settings.location}

        def start(retry: Retry) -> Any:
            if not isinstance(rows, Path):
                return self._client.load_table_from_uri(rows, destination, retry=retry, **sent)
            try:
                with rows.open("rb") as file:
                    return self._client.load_table_from_file(file, destination, timeout=REQUEST_SECONDS, **sent)
            except ERRORS:
                with suppress(api.NotFound):  # only the answer to the last piece may have been lost
                    return self._client.get_job(job_id, location=self._settings.location, retry=retry)
                raise

        self._ended(start, step, job_id)

    def _ended(self, start: Callable[..., Any], step: Step, job_id: str, **options: object) -> Any:
        """The result of a job, once it has ended."""
        retry = DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
        try:
            job = start(retry=retry)
        except api.Conflict:
            # The id exists: an earlier request arrived, and only its answer was lost.
            job = self._client.get_job(job_id, location=self._settings.location, retry=retry)
        with self._lock:
            self._running[job_id] = step.run.run_id if step.run else "", job
            cancelled = self._is_cancelled(step)
        if cancelled:
            _cancel([job])
        try:
            return self._result(job, retry, **options)
        except (KeyboardInterrupt, SystemExit, TimeoutError):
            _cancel([job])
            raise
        finally:
            with self._lock:
                self._running.pop(job_id, None)
                if step.tables is not None:
                    billed = getattr(job, "total_bytes_billed", 0)  # of a copy, nothing
                    slot_ms = getattr(job, "slot_millis", 0)
                    self._costs[step.tables].append(StepCost(step.name, 1, billed, slot_ms))

    def _result(self, job: Job, retry: Retry, **options: object) -> Any:
        """The result of a job that takes at most `bigquery.job_timeout_seconds`, a BATCH job from its start on."""
        limit = left = float(self._settings.job_timeout_seconds)
        while True:
            try:
                return job.result(retry=retry, timeout=left, **options)
            except TimeoutError:
                if self._settings.priority == "INTERACTIVE":
                    raise
                job.reload(retry=retry)
                left = limit if job.started is None else limit - (datetime.now(UTC) - job.started).total_seconds()
                if left <= 0:
                    raise

    def price(self, sql: str, params: Mapping[str, Any], step: Step) -> int:
        """Bytes that a statement would process, by a dry run: it is checked, and neither run nor billed.

        Raises:
            WarehouseError: It would not run: a table is not there, or a right is missing.
        """
        config = bigquery.QueryJobConfig(
            query_parameters=parameters_of(sql, params), labels=self.labels(step), use_query_cache=False, dry_run=True
        )
        retry = DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
        try:
            job = self._client.query(sql, config, location=self._settings.location, retry=retry, job_retry=None)
        except ERRORS as err:
            raise translated(err, step.name, self._settings, self._client) from err
        return int(job.total_bytes_processed or 0)

    def labels(self, step: Step) -> dict[str, str]:
        """Labels of a job: what it is for, and the settings' own."""
        own = {"app": "mixflows", "step": step.name}
        if step.run is not None:
            own |= {"run_id": step.run.run_id, "flow": step.run.flow}
        if step.first_day is not None:
            own |= {"day": step.first_day.isoformat(), "days": str(step.days)}
        return self._settings.labels | {key: _label(value) for key, value in own.items() if value}

    def cost(self, tables: BatchTables) -> Cost:
        """What a batch's jobs were billed since the last call."""
        with self._lock:
            costs = self._costs.pop(tables, [])
        by_step: dict[str, list[StepCost]] = defaultdict(list)
        for cost in costs:
            by_step[cost.step].append(cost)
        steps = tuple(
            StepCost(name, len(jobs), known_sum([j.bytes_billed for j in jobs]), known_sum([j.slot_ms for j in jobs]))
            for name, jobs in by_step.items()
        )
        return Cost(known_sum([s.bytes_billed for s in steps]), known_sum([s.slot_ms for s in steps]), steps)

    def cancel(self, run_id: str | None = None) -> None:
        """Cancels what still runs, of one run or of all; starts no further statement of a day of that run."""
        with self._lock:
            if run_id is not None:
                self._cancelled.add(run_id)
            jobs = [job for whose, job in self._running.values() if run_id in (None, whose)]
        _cancel(jobs)

    def cancel_elsewhere(self, run_id: str) -> bool:
        """Cancels the jobs that a run of another process left, as far as these credentials may see them.

        Returns:
            Whether all have ended.

        Raises:
            WarehouseError: They may not be listed.
        """
        try:
            running = [job for state in ("pending", "running") for job in self._of_run(run_id, state)]
        except ERRORS as err:
            raise translated(err, "list the jobs of a run that ended", self._settings, self._client) from err
        return _cancel(running)

    def _of_run(self, run_id: str, state: str) -> list[bigquery.QueryJob]:
        since = datetime.now(UTC) - timedelta(hours=LONGEST_JOB_HOURS)
        retry = DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
        listed = self._client.list_jobs(state_filter=state, min_creation_time=since, retry=retry)
        own = {"app": "mixflows", "run_id": _label(run_id)}
        return [job for job in listed if own.items() <= getattr(job, "labels", {}).items()]

    def job_id(self, step: Step, sql: str, parameters: Sequence[Parameter]) -> str:
        """An id for the next job of a step, that only the same statement of the same attempt of a run has.

        Text and values are part of it, by their hash. Where there is no run, or the step may repeat, it is a new one each time.
        """
        with self._lock:
            self._counts[step] += 1
            nth = self._counts[step]
        if step.run is None or step.may_repeat:
            return f"mixflows_{step.name}_{uuid.uuid4().hex}"
        run = re.sub(r"[^A-Za-z0-9-]", "", step.run.run_id)[:40]
        day = f"_{step.first_day:%Y%m%d}" if step.first_day else ""
        whole = repr((step.run.run_id, sql, [parameter.to_api_repr() for parameter in parameters]))
        what = hashlib.sha256(whole.encode()).hexdigest()[:12]
        return f"mixflows_{run}_{step.run.attempt}{day}_{step.name}_{nth}_{what}"


def _cancel(jobs: Sequence[Job]) -> bool:
    """Asks until they have ended, or for CANCEL_SECONDS: BigQuery promises no more than to try. Whether all have ended."""
    deadline = time.monotonic() + CANCEL_SECONDS
    while jobs and time.monotonic() < deadline:
        for job in jobs:
            with suppress(api.GoogleAPICallError, RequestException):
                job.cancel(retry=None, timeout=CANCEL_SECONDS)
        jobs = [job for job in jobs if job.state != "DONE"]
        if jobs:
            time.sleep(CANCEL_AGAIN_SECONDS)
    return not jobs


def _label(value: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", value.lower())[:63]
