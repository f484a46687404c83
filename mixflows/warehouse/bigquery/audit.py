"""The client that the audit of staged rows goes through: labelled, capped and counted like every other job."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any

from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from mixflows.settings import BigQuerySettings
from mixflows.warehouse.base import RowAccess
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.errors import ERRORS
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.dialect import date_literal

STEP = "audit_rows"
UNKNOWN_TO_SQLALCHEMY = frozenset({"JSON", "GEOGRAPHY", "INTERVAL", "RANGE"})
"""Types that sqlalchemy-bigquery warns of, column by column."""
STAGED_DAY = re.compile(r"stg_mp_(?:dedup_events|judged)_\w+")


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


class StagedRows:
    """Great Expectations' way to the staged batches: our own client, and a view of one day.

    Args:
        client: The client.
        jobs: Its jobs.
        place: Project and dataset.
        dataset: Names the short-lived tables.
    """

    def __init__(self, client: bigquery.Client, jobs: Jobs, place: BigQuerySettings, dataset: Dataset) -> None:
        self._client, self._jobs, self._place, self._dataset = client, jobs, place, dataset
        self.steps: dict[str, Step] = {}
        """What the jobs on each stage are for, by its name."""

    def access(self) -> RowAccess:
        """The door to them."""
        dataset = self._place.staging_dataset or self._place.dataset
        return RowAccess(
            connection_string=f"bigquery://{self._place.project}/{dataset}?user_supplied_client=True",
            narrowed=self._narrowed,
            quote=quote,
            schema_name=dataset,
            engine_options={
                "connect_args": {
                    "client": AuditClient(self._client, self._jobs, self.steps),
                    # Counts are few rows; the Storage API would need another right and another endpoint.
                    "prefer_bqstorage_client": False,
                }
            },
        )

    @contextmanager
    def _narrowed(self, stage: str, columns: Sequence[str] | None, day: date | None) -> Generator[str]:
        """The view itself, of which a query reads only the columns that it names, or a view of one day of it."""
        if day is None:
            yield stage
            return
        name = f"{stage}_{day:%Y%m%d}"
        selected = "*" if columns is None else ", ".join(map(quote, columns))
        step = self.steps[name] = self.steps.get(stage, Step(STEP))
        view, staged = (self._dataset.short_lived_id(table) for table in (name, stage))
        sql = (
            f"CREATE OR REPLACE VIEW {quote(view)} OPTIONS ({self._dataset.expiring}) AS"
            f" SELECT {selected} FROM {quote(staged)} WHERE mf__day = {date_literal(day)}"
        )
        self._jobs.run(sql, {}, replace(step, may_repeat=True))
        try:
            yield name
        finally:
            self.steps.pop(name, None)
            with suppress(*ERRORS):
                self._client.delete_table(view, not_found_ok=True)


def _with_known_type(field: dict[str, Any]) -> dict[str, Any]:
    kind = "STRING" if field["type"] in UNKNOWN_TO_SQLALCHEMY else field["type"]
    return field | {"type": kind, "fields": [_with_known_type(inner) for inner in field.get("fields", ())]}
