"""The client that the audit of staged rows goes through: labelled, capped and counted like every other job."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from mixflows.warehouse.bigquery.jobs import Jobs, Step

STEP = "audit_rows"
UNKNOWN_TO_SQLALCHEMY = frozenset({"JSON", "GEOGRAPHY", "INTERVAL", "RANGE"})
"""Types that sqlalchemy-bigquery warns of, column by column."""
STAGED_DAY = re.compile(r"stg_mp_dedup_events_\w+")


class AuditClient:
    """A client for SQLAlchemy whose queries are jobs of ours; everything else is the client's own.

    Args:
        client: The client.
        jobs: Its jobs.
        staged: What the jobs on each staged day are for, by the staged table's name.
    """

    def __init__(self, client: bigquery.Client, jobs: Jobs, staged: Mapping[str, Step]) -> None:
        self._client, self._jobs, self._staged = client, jobs, staged

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_table(self, table: Any, **options: Any) -> bigquery.Table:
        """The table, with texts in the place of types that SQLAlchemy has none for; what it reads is the same."""
        found = self._client.get_table(table, **options)
        fields = [_with_known_type(field.to_api_repr()) for field in found.schema]
        found.schema = [bigquery.SchemaField.from_api_repr(field) for field in fields]
        return found

    def query_and_wait(self, query: str, *, job_config: bigquery.QueryJobConfig, **_: object) -> RowIterator:
        """Runs a query of the audit; the staged table's name tells the run and the day that it belongs to."""
        found = STAGED_DAY.search(query)
        step = self._staged.get(found[0]) if found else None
        parameters: Sequence[Any] = job_config.query_parameters or ()
        return self._jobs.read(query, parameters, replace(step or Step(STEP), may_repeat=True))


def _with_known_type(field: dict[str, Any]) -> dict[str, Any]:
    kind = "STRING" if field["type"] in UNKNOWN_TO_SQLALCHEMY else field["type"]
    return field | {"type": kind, "fields": [_with_known_type(inner) for inner in field.get("fields", ())]}
