"""Jobs on BigQuery: labelled, capped, with ids that make a retry safe, and their errors in our words."""

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from mixflows.errors import MissingTableError, StatementError, WarehouseError
from mixflows.model import Cost
from mixflows.settings import BigQuerySettings

ATTEMPTS = 6
"""A statement that BigQuery asks to run again is run this often in all."""
FIRST_WAIT_SECONDS = 1.0
REQUEST_SECONDS = 120.0
"""How long a single request is tried again through outages of the API."""

RETRYABLE_REASONS = frozenset({"backendError", "internalError", "rateLimitExceeded", "jobBackendError", "jobInternalError"})
SERIALIZATION = re.compile(r"could not serialize|concurrent update|too many DML statements", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """What a job is for; goes into its labels and, with a count, into its id.

    Attributes:
        name: The statement.
        day: The day it works on, if any.
        run_id: The run it belongs to, if any.
    """

    name: str
    day: date | None = None
    run_id: str = ""
    attempt: int = 1


class Jobs:
    """Runs statements as jobs of one client.

    Args:
        client: The client.
        settings: Project, location, caps and labels.
    """

    def __init__(self, client: bigquery.Client, settings: BigQuerySettings) -> None:
        self._client, self._settings = client, settings
        self._lock = threading.Lock()
        self._counts: dict[Step, int] = defaultdict(int)
        self._costs: dict[date, list[Cost]] = defaultdict(list)
        self._running: dict[str, bigquery.QueryJob] = {}

    def run(self, sql: str, params: Mapping[str, Any], step: Step) -> list[dict[str, Any]]:
        """Runs one statement to its end.

        Retried are requests that the API could not answer and jobs that BigQuery asks to run again. A request whose answer
        was lost is not run twice: its job id exists then, and the job is looked up.

        Returns:
            The rows of a query, few; nothing for other statements.

        Raises:
            WarehouseError: In one sentence, with the next step.
        """
        text, parameters = _bound(sql, params)
        base = self._job_id(step)
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            job_id = base if attempt == 1 else f"{base}_{attempt}"
            try:
                return self._once(text, parameters, step, job_id)
            except (api.GoogleAPICallError, api.RetryError, GoogleAuthError, RequestException, TimeoutError) as err:
                if attempt == ATTEMPTS or not _runs_again(err):
                    raise translated(err, step.name, self._settings) from err
            time.sleep(wait)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self, sql: str, parameters: Sequence[bigquery.ScalarQueryParameter], step: Step, job_id: str
    ) -> list[dict[str, Any]]:
        config = bigquery.QueryJobConfig(
            query_parameters=list(parameters),
            labels=self.labels(step),
            priority=self._settings.priority,
            use_query_cache=False,
        )
        if self._settings.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = self._settings.maximum_bytes_billed
        retry = DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
        try:
            job = self._client.query(
                sql, job_config=config, job_id=job_id, location=self._settings.location, retry=retry, job_retry=None
            )
        except api.Conflict:
            # The id exists: an earlier request arrived, and only its answer was lost.
            job = self._client.get_job(job_id, location=self._settings.location, retry=retry)
        with self._lock:
            self._running[job_id] = job
        try:
            rows = job.result(retry=retry, job_retry=None, timeout=self._settings.job_timeout_seconds)
            found = [dict(row.items()) for row in rows]
        except (KeyboardInterrupt, SystemExit, TimeoutError):
            with suppress(api.GoogleAPICallError):
                job.cancel()
            raise
        finally:
            with self._lock:
                self._running.pop(job_id, None)
                if step.day is not None:
                    self._costs[step.day].append(Cost(job.total_bytes_billed, job.slot_millis))
        return found

    def labels(self, step: Step) -> dict[str, str]:
        """Labels of a job: what it is for, and the settings' own."""
        own = {"app": "mixflows", "step": step.name, "run_id": step.run_id}
        if step.day is not None:
            own["day"] = step.day.isoformat()
        return self._settings.labels | {key: _label(value) for key, value in own.items() if value}

    def cost(self, day: date) -> Cost:
        """What the day's jobs were billed since the last call."""
        with self._lock:
            costs = self._costs.pop(day, [])
        return Cost(_total([c.bytes_processed for c in costs]), _total([c.slot_ms for c in costs]))

    def cancel_running(self) -> None:
        """Cancels whatever still runs."""
        with self._lock:
            jobs = list(self._running.values())
        for job in jobs:
            with suppress(api.GoogleAPICallError, RequestException):
                job.cancel()

    def _job_id(self, step: Step) -> str:
        with self._lock:
            self._counts[step] += 1
            nth = self._counts[step]
        if not step.run_id:
            # Reads outside a run are safe to repeat, and need no id of their own making.
            return f"mixflows_{step.name}_{time.time_ns()}_{threading.get_ident()}"
        run = re.sub(r"[^A-Za-z0-9-]", "", step.run_id)[:40]
        if run != step.run_id:
            run += "-" + hashlib.sha256(step.run_id.encode()).hexdigest()[:8]
        day = f"_{step.day:%Y%m%d}" if step.day else ""
        return f"mixflows_{run}_{step.attempt}{day}_{step.name}_{nth}"


def _label(value: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", value.lower())[:63]


def _total(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _bound(sql: str, params: Mapping[str, Any]) -> tuple[str, list[bigquery.ScalarQueryParameter]]:
    """Puts days, instants and numbers into the text as literals, so that partitions prune; texts become parameters."""
    texts: dict[str, bigquery.ScalarQueryParameter] = {}

    def literal(match: re.Match[str]) -> str:
        if match[1] not in params:
            return match[0]
        value = params[match[1]]
        match value:
            case datetime():
                return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
            case date():
                return f"DATE '{value.isoformat()}'"
            case bool() | None:
                return str(value).upper().replace("NONE", "NULL")
            case int():
                return str(value)
            case float():
                return f"CAST('{value!r}' AS FLOAT64)"
            case _:
                texts[match[1]] = bigquery.ScalarQueryParameter(match[1], "STRING", str(value))
                return match[0]

    # Comments may speak of parameters; they stay as they are.
    lines = [line if line.lstrip().startswith("--") else re.sub(r"@(\w+)", literal, line) for line in sql.splitlines()]
    return "\n".join(lines), list(texts.values())


def _reasons(err: BaseException) -> set[str]:
    errors: Sequence[Any] = getattr(err, "errors", None) or ()
    return {str(item.get("reason", "")) for item in errors if isinstance(item, Mapping)}


def _runs_again(err: BaseException) -> bool:
    return bool(
        SERIALIZATION.search(str(err))
        or _reasons(err) & RETRYABLE_REASONS
        or isinstance(err, api.TooManyRequests | api.ServiceUnavailable | api.InternalServerError | api.BadGateway)
    )


def translated(err: BaseException, name: str, settings: BigQuerySettings) -> WarehouseError:
    """An error of the API in one sentence, with the next step; never a value of a row."""
    text, reasons = str(err), _reasons(err)
    where = f"statement {name} on {settings.project}"
    if isinstance(err, GoogleAuthError):
        return WarehouseError(
            f"BigQuery's credentials do not hold: {type(err).__name__}",
            "Name a GcpCredentials block or a key file in [bigquery], or log in for Application Default Credentials.",
        )
    if "bytesBilledLimitExceeded" in reasons or "maximum bytes billed" in text.lower() or "bytes billed" in text.lower():
        return StatementError(
            f"{where} would bill more than bigquery.maximum_bytes_billed ({settings.maximum_bytes_billed:,})"
            if settings.maximum_bytes_billed
            else f"{where} would bill more than its cap",
            "Nothing was billed. Raise the setting, or process fewer days at once.",
        )
    if "quotaExceeded" in reasons or "quota exceeded" in text.lower():
        return WarehouseError(
            f"{where} exceeds a quota of the project", "Wait, or raise the quota in the console; then run it again."
        )
    if isinstance(err, api.Forbidden):
        return WarehouseError(
            f"{where}: access denied", "Grant the rights that docs/bigquery.md lists; mixflows doctor checks them."
        )
    if isinstance(err, api.NotFound):
        if "location" in text.lower():
            return WarehouseError(
                f"{where}: a dataset is not in location {settings.location}",
                "Set bigquery.location to the datasets' location; mixflows doctor tells it.",
            )
        what = "dataset" if "dataset" in text.lower() and "table" not in text.lower() else "table or dataset"
        return MissingTableError(
            f"{where}: a {what} is not there", f"Check [bigquery] and [tables], then run mixflows init. {_named(text)}"
        )
    if isinstance(err, api.BadRequest):
        return StatementError(
            f"{where} was refused as wrong: {_without_values(text)}",
            "Check the source's columns against [columns]; mixflows doctor does.",
        )
    if isinstance(err, TimeoutError):
        return WarehouseError(
            f"{where} took longer than bigquery.job_timeout_seconds ({settings.job_timeout_seconds}) and was cancelled",
            "Raise the setting, or look at the job in the console.",
        )
    return WarehouseError(f"{where} failed: {type(err).__name__}", "BigQuery could not be reached; run it again later.")


def _named(text: str) -> str:
    found = re.search(r"Not found: (?:Table|Dataset) ([\w:.\-]+)", text)
    return f"Missing: {found[1]}." if found else ""


def _without_values(text: str) -> str:
    """The kind of complaint, without anything quoted: a quoted part may be a row's value."""
    first = text.split("\n")[0]
    first = re.sub(r"^\d+ \w+ https?://\S+:?", "", first)
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", first).strip()[:200]
