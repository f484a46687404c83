"""BigQuery's errors: which of them are worth another try, and the others in one sentence with the next step.

Source: "Error messages" and "Quotas and limits" of BigQuery's documentation; reasons are those of its error table.
"""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from requests.exceptions import RequestException

from mixflows.errors import MissingTableError, StatementError, WarehouseError
from mixflows.settings import BigQuerySettings

ERRORS = (api.GoogleAPICallError, api.RetryError, GoogleAuthError, RequestException, TimeoutError)
"""What the client raises when a request or a job fails."""

RETRYABLE_REASONS = frozenset({
    "backendError", "internalError", "rateLimitExceeded", "jobBackendError", "jobInternalError", "jobRateLimitExceeded",
    "tableUnavailable",
})  # fmt: skip
RETRYABLE = re.compile(
    r"could not serialize|concurrent update|too many DML statements|exceeded quota for[^.]*\b(queued|concurrent)\b",
    re.IGNORECASE,
)
"""Complaints about other statements that run or wait just now, whatever reason they are given."""
PERMISSION = re.compile(r"\b(bigquery|storage)\.(?!googleapis)[a-z]\w*\.\w+|\bdatacatalog\.[a-z]\w*\.\w+")
OF_THE_STATEMENT = (
    "Unrecognized name",
    "Syntax error",
    "No matching signature",
    "Type not found",
    "Function not found",
)
"""Complaints about the statement itself, which holds names and days alone; all others may quote a row."""
LOOK_UP_SECONDS = 10.0
ATTEMPTS = 6
"""A statement that BigQuery asks to run again is run this often in all."""
RUN_AGAIN = "Run it again; what was done stays done."


def runs_again(err: BaseException) -> bool:
    """Whether the same statement may succeed when it is run again as it stands."""
    if RETRYABLE.search(str(err)):
        return True
    if reasons := _reasons(err):
        # The client makes a 500 of every reason that it does not know, such as an exceeded cap.
        return bool(reasons & RETRYABLE_REASONS)
    return isinstance(err, api.TooManyRequests | api.ServiceUnavailable | api.InternalServerError | api.BadGateway)


def translated(
    err: BaseException, name: str, settings: BigQuerySettings, client: bigquery.Client | None = None
) -> WarehouseError:
    """An error of the API in one sentence, with the next step; never a value of a row.

    Args:
        err: What the client raised.
        name: The statement, or what was done.
        settings: The place.
        client: Looks up the datasets, to tell a missing one from one elsewhere.
    """
    where = f"statement {name} on {settings.project}"
    return _limit(err, where, settings) or _refusal(err, where, settings, client)


def _limit(err: BaseException, where: str, settings: BigQuerySettings) -> WarehouseError | None:
    """What keeps every statement from running, whatever it says."""
    text, reasons = str(err), _reasons(err)
    if isinstance(err, GoogleAuthError | api.Unauthorized):
        return WarehouseError(
            f"BigQuery does not accept the credentials: {type(err).__name__}",
            "Name a GcpCredentials block or a key file in [bigquery], or log in for Application Default Credentials.",
        )
    if "bytesBilledLimitExceeded" in reasons or "bytes billed" in text.lower():
        cap = f" ({settings.maximum_bytes_billed:,})" if settings.maximum_bytes_billed else ""
        return StatementError(
            f"{where} would bill more than bigquery.maximum_bytes_billed{cap}",
            "It was not run, and billed nothing. Raise the setting; mixflows backfill --dry-run prices each day.",
        )
    if "quotaExceeded" in reasons or "quota exceeded" in text.lower():
        quota = re.search(r"exceeded quota for ([^.]*)", text)
        return WarehouseError(
            f"{where} exceeds a quota of the project{f': {quota[1]}' if quota else ''}",
            "Wait, or raise the quota in the console; then run it again.",
        )
    if reasons & {"rateLimitExceeded", "jobRateLimitExceeded"} or isinstance(err, api.TooManyRequests):
        return WarehouseError(
            f"{where} was refused {ATTEMPTS} times: too many requests or jobs at once",
            "Lower backfill.concurrency, or look for what else works in the project; then run it again.",
        )
    if "billing has not been enabled" in text.lower() or reasons & {"billingNotEnabled", "billingTierLimitExceeded"}:
        return WarehouseError(
            f"project {settings.project} has no billing account that pays for {where}",
            "Enable billing for the project in the console, or name another one as bigquery.project.",
        )
    if "different locations" in text:
        return WarehouseError(
            f"{where} was refused: the bucket of landing.bucket is not in location {settings.location}, as the datasets are",
            f"Name a bucket in {settings.location} as landing.bucket, or none.",
        )
    if "stopped" in reasons and "timed out" not in text.lower():
        return WarehouseError(f"{where} was cancelled", RUN_AGAIN)
    return None


def _refusal(
    err: BaseException, where: str, settings: BigQuerySettings, client: bigquery.Client | None
) -> WarehouseError:
    if isinstance(err, api.Forbidden):
        return _forbidden(str(err), where)
    if isinstance(err, api.NotFound):
        return _missing(str(err), where, settings, client)
    if isinstance(err, TimeoutError) or _reasons(err) & {"stopped", "timeout"}:
        return StatementError(
            f"{where} took longer than bigquery.job_timeout_seconds ({settings.job_timeout_seconds}) and was cancelled",
            "Raise the setting, or look at the job in the console.",
        )
    if isinstance(err, api.BadRequest) or "resourcesExceeded" in _reasons(err):
        return _refused_statement(err, where)
    return WarehouseError(
        f"{where} failed: {type(err).__name__}", "BigQuery could not be reached or had an outage; run it again later."
    )


def _forbidden(text: str, where: str) -> WarehouseError:
    """What the credentials may not do, with the permission that BigQuery names."""
    if "VPC Service Controls" in text:
        return WarehouseError(
            f"{where}: a perimeter of VPC Service Controls forbids it",
            "Run it inside the perimeter, or ask for an ingress rule for the account and the project.",
        )
    if "policy tag" in text:
        return WarehouseError(
            f"{where}: columns are protected by a policy tag that the account may not read",
            "Grant roles/datacatalog.categoryFineGrainedReader on the policy tags of the source's columns.",
        )
    permission = PERMISSION.search(text)
    resource = re.search(r"\b(Table|Dataset|Project|Routine|View) ([\w:.\-$]+)", text)
    what = f": {permission[0]}" if permission else ""
    on = f" on {resource[1].lower()} {resource[2].rstrip('.:')}" if resource else ""
    return WarehouseError(
        f"{where}: access denied{what}{on}",
        "Grant the rights that docs/bigquery.md lists; mixflows doctor checks them.",
    )


def _refused_statement(err: BaseException, where: str) -> WarehouseError:
    """What is wrong with a statement, its size or the table that it writes."""
    text = str(err)
    if "resourcesExceeded" in _reasons(err) or "resources exceeded" in text.lower():
        return StatementError(
            f"{where} needs more memory or time than one query gets",
            "Lower backfill.batch_days, or reserve slots for the project; mixflows inspect DAY shows what is many of the day.",
        )
    if re.search(r"query is too (large|long)|maximum standard SQL query length", text, re.IGNORECASE):
        return StatementError(
            f"{where} is longer than the 1 MiB that BigQuery takes",
            "Lower backfill.batch_days, or the number of columns.",
        )
    if "streaming buffer" in text:
        return StatementError(
            f"{where} would change rows that another program streamed into the table a short while ago",
            "Only mixflows may write its tables. Stop the other program, wait 90 minutes, then run it again.",
        )
    return StatementError(
        f"{where} was refused as wrong: {_without_values(text)}",
        "Check the source's columns against [columns], as mixflows doctor does. Where an earlier version made the tables, add what"
        " they lack with mixflows init.",
    )


def _missing(text: str, where: str, settings: BigQuerySettings, client: bigquery.Client | None) -> WarehouseError:
    """A query's "not found" names the location even where that is right, so the datasets are asked."""
    for project, dataset in _datasets(settings):
        location = _location(client, f"{project}.{dataset}")
        if location == "":
            return WarehouseError(
                f"dataset {project}.{dataset} is not there",
                f"Make it in location {settings.location} (mixflows makes tables, no datasets), or correct [bigquery].",
            )
        if location is not None and location.lower() != settings.location.lower():
            return WarehouseError(
                f"dataset {project}.{dataset} is in location {location}, but bigquery.location is {settings.location}",
                f'Set bigquery.location = "{location}".',
            )
    if "gs://" in text:
        return WarehouseError(
            f"{where}: an object that was written to landing.bucket is not there any more",
            "Let lifecycle rules delete objects after a day at the earliest; then run it again.",
        )
    found = re.search(r"Not found: (Table|Dataset|Routine) ([\w:.\-]+)", text)
    what = f"{found[1].lower()} {found[2]}" if found else "a table"
    return MissingTableError(f"{where}: {what} is not there", "Run mixflows init, or correct [bigquery] and [tables].")


def _datasets(settings: BigQuerySettings) -> list[tuple[str | None, str]]:
    project = settings.project
    return list(
        dict.fromkeys(
            [
                (project, settings.dataset),
                (settings.source_project or project, settings.source_dataset or settings.dataset),
                (project, settings.staging_dataset or settings.dataset),
            ]
        )
    )


def _location(client: bigquery.Client | None, dataset: str) -> str | None:
    """Where a dataset is: empty if there is none, None if that could not be found out."""
    if client is None:
        return None
    try:
        return client.get_dataset(dataset, retry=None, timeout=LOOK_UP_SECONDS).location
    except api.NotFound:
        return ""
    except ERRORS:
        return None


def _reasons(err: BaseException) -> set[str]:
    errors: Sequence[Any] = getattr(err, "errors", None) or ()
    return {str(item.get("reason", "")) for item in errors if isinstance(item, Mapping)}


def _without_values(text: str) -> str:
    """The complaint as far as it cannot quote a row: a value may stand in quotes, or bare behind the colon."""
    first = text.partition("\n")[0].partition("; reason:")[0]
    first = re.sub(r"^\d+ (\w+ https?://\S+\s*)?", "", first)
    kind, colon, _ = first.partition(": ")
    told = first if kind.startswith(OF_THE_STATEMENT) else f"{kind}: …" if colon else first
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", told).strip()[:200]
