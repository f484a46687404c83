"""The client that the audit of staged rows goes through: labelled, capped and counted like every other job."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from mixflows.warehouse.bigquery_jobs import Jobs, Step

STEP = "audit_rows"
STAGED_DAY = re.compile(r"stg_mp_dedup_events_(\d{8})_")


class AuditClient:
    """A client for SQLAlchemy whose queries are jobs of ours; everything else is the client's own.

    Args:
        client: The client.
        jobs: Its jobs.
    """

    def __init__(self, client: bigquery.Client, jobs: Jobs) -> None:
        self._client, self._jobs = client, jobs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query_and_wait(self, query: str, *, job_config: bigquery.QueryJobConfig, **_: object) -> RowIterator:
        """Runs a query of the audit; the staged table's name tells the day that it belongs to."""
        found = STAGED_DAY.search(query)
        day: date | None = datetime.strptime(found[1], "%Y%m%d").date() if found else None  # noqa: DTZ007 - a day has no zone
        parameters: Sequence[Any] = job_config.query_parameters or ()
        return self._jobs.read(query, parameters, Step(STEP, day, may_repeat=True))
