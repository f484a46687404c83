"""Errors of BigQuery as the client raises them: which are worth another try, and what is said of the others.

Source: BigQuery's documentation, "Error messages", "Quotas and limits", "VPC Service Controls", "Column-level access control".
"""

import pytest
from google.api_core import exceptions as api

from mixflows.errors import StatementError, WarehouseError
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.errors import runs_again, translated

PLACE = BigQuerySettings(project="proj", job_timeout_seconds=77)
QUERY_URL = "POST https://bigquery.googleapis.com/bigquery/v2/projects/proj/jobs?prettyPrint=false: "


def error(kind: type[api.GoogleAPICallError], reason: str, message: str) -> api.GoogleAPICallError:
    """As the client makes it of an answer: the reason is in its errors, the request before the message."""
    return kind(f"{QUERY_URL}{message}", errors=[{"reason": reason, "message": message}])


@pytest.mark.parametrize(
    ("err", "again"),
    [
        (
            error(api.TooManyRequests, "jobRateLimitExceeded", "Exceeded rate limits: too many jobs for this project"),
            True,
        ),
        (error(api.InternalServerError, "jobRateLimitExceeded", "Exceeded rate limits"), True),
        (error(api.Forbidden, "rateLimitExceeded", "Exceeded rate limits: too many table update operations"), True),
        (
            error(
                api.Forbidden,
                "quotaExceeded",
                "Quota exceeded: Your project and region exceeded quota for max number of jobs that can be queued per project.",
            ),
            True,
        ),
        (
            error(
                api.BadRequest,
                "resourcesExceeded",
                "Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t, limit is 20.",
            ),
            True,
        ),
        (
            error(
                api.BadRequest, "tableUnavailable", "Something failed during the operation; the table is unavailable"
            ),
            True,
        ),
        (
            error(
                api.Forbidden,
                "quotaExceeded",
                "Quota exceeded: Your project exceeded quota for free query bytes scanned.",
            ),
            False,
        ),
        (error(api.BadRequest, "resourcesExceeded", "Resources exceeded during query execution"), False),
        (error(api.Forbidden, "accessDenied", "Access Denied"), False),
    ],
    ids=lambda value: value.errors[0]["message"][:40] if isinstance(value, api.GoogleAPICallError) else "",
)
def test_only_what_may_work_the_next_time_is_run_again(err: api.GoogleAPICallError, again: bool) -> None:
    assert runs_again(err) == again


@pytest.mark.parametrize(
    ("err", "kind", "said", "next_step"),
    [
        (
            error(api.TooManyRequests, "jobRateLimitExceeded", "Exceeded rate limits: too many jobs"),
            WarehouseError,
            "too many requests or jobs at once",
            "backfill.concurrency",
        ),
        (
            error(
                api.Forbidden,
                "quotaExceeded",
                "Quota exceeded: Your project exceeded quota for free query bytes scanned.",
            ),
            WarehouseError,
            "exceeds a quota of the project: free query bytes scanned",
            "raise the quota",
        ),
        (
            error(
                api.Forbidden, "billingNotEnabled", "Billing has not been enabled for this project. Enable billing at …"
            ),
            WarehouseError,
            "project proj has no billing account",
            "Enable billing",
        ),
        (
            error(
                api.Forbidden,
                "accessDenied",
                "VPC Service Controls: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x.",
            ),
            WarehouseError,
            "a perimeter of VPC Service Controls forbids it",
            "ingress rule",
        ),
        (
            error(
                api.Forbidden,
                "accessDenied",
                "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data"
                ' protected by policy tag "taxonomy : tag" on columns p.d.t.email.',
            ),
            WarehouseError,
            "protected by a policy tag",
            "roles/datacatalog.categoryFineGrainedReader",
        ),
        (
            error(
                api.Forbidden,
                "accessDenied",
                "Access Denied: Table proj:mixpanel.mp_events: Permission bigquery.tables.updateData denied on table"
                " proj:mixpanel.mp_events (or it may not exist).",
            ),
            WarehouseError,
            "access denied: bigquery.tables.updateData on table proj:mixpanel.mp_events",
            "docs/bigquery.md",
        ),
        (
            error(
                api.Forbidden,
                "accessDenied",
                "Access Denied: Project proj: User does not have bigquery.jobs.create permission in project proj.",
            ),
            WarehouseError,
            "access denied: bigquery.jobs.create on project proj",
            "docs/bigquery.md",
        ),
        (
            error(
                api.BadRequest,
                "resourcesExceeded",
                "Resources exceeded during query execution: The query could not be executed in the allotted memory.",
            ),
            StatementError,
            "needs more memory or time than one query gets",
            "backfill.batch_days",
        ),
        (
            error(
                api.BadRequest,
                "invalid",
                "The query is too large. The maximum standard SQL query length is 1024.00K characters, including comments"
                " and white space characters.",
            ),
            StatementError,
            "longer than the 1 MiB",
            "number of columns",
        ),
        (
            error(
                api.BadRequest,
                "invalidQuery",
                "UPDATE or DELETE statement over table proj.mixpanel.mp_events would affect rows in the streaming buffer, which"
                " is not supported",
            ),
            StatementError,
            "another program streamed",
            "wait 90 minutes",
        ),
        (
            error(api.ClientError, "stopped", "Job execution was cancelled: Job timed out after 77s"),
            StatementError,
            "took longer than bigquery.job_timeout_seconds (77)",
            "Raise the setting",
        ),
        (
            error(api.ClientError, "stopped", "Job execution was cancelled: User requested cancellation"),
            WarehouseError,
            "was cancelled",
            "Run it again",
        ),
        (
            error(api.BadRequest, "invalidQuery", "Bad double value: jane@example.org"),
            StatementError,
            "was refused as wrong",
            "mixflows doctor",
        ),
    ],
    ids=lambda value: value.errors[0]["message"][:40] if isinstance(value, api.GoogleAPICallError) else "",
)
def test_what_bigquery_refuses_is_said_with_its_cause_and_the_next_step(
    err: api.GoogleAPICallError, kind: type[WarehouseError], said: str, next_step: str
) -> None:
    told = translated(err, "copies", PLACE)
    assert (type(told), said in told.message, next_step in told.hint) == (kind, True, True), str(told)
    assert "jane" not in str(told)
