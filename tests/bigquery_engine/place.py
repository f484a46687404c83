"""Datasets on a BigQuery API server: how a test writes a source and reads tables with the real client."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from mixflows.warehouse.bigquery.landing import LANDED_BY
from tests.bigquery.fixtures import BigQueryApi, decorated_tables
from tests.spec.engines import Row, Value

_numbers = count(1)


class Place:
    """A dataset of its own, and an engine for the examples' project.

    Args:
        api: Where BigQuery is; the test looks at the tables there.
        through: Where the engine under test goes, if not straight there.
        dataset: Another place's dataset; by default a new one.
    """

    name = "bigquery"

    def __init__(self, api: BigQueryApi, through: str | None = None, dataset: str | None = None) -> None:
        self._api = api
        self.client = api.client()
        self.project = api.project
        self.dataset = dataset or f"mx{uuid4().hex[:10]}_{next(_numbers)}"
        if dataset is None:
            self.client.create_dataset(f"{self.project}.{self.dataset}")
        self._settings = api.settings | ({"api_endpoint": through} if through else {})

    def close(self) -> None:
        """Deletes the dataset.

        Raises:
            AssertionError: The server has a table whose name ends in a partition (see `decorated_tables`).
        """
        assert self._api.endpoint is None or decorated_tables(self._api) == []
        self.client.delete_dataset(self.dataset, delete_contents=True)
        self.client.close()

    def settings(self, sections: Mapping[str, Any]) -> Settings:
        own = self._settings | {"dataset": self.dataset}
        given = {name: section for name, section in sections.items() if name != "bigquery"}
        return Settings.model_validate(
            {"warehouse": {"engine": "bigquery"}, "bigquery": own | dict(sections.get("bigquery", {})), **given}
        )

    def warehouse(self, settings: Settings) -> BigQueryWarehouse:
        opened = open_warehouse(settings)
        assert isinstance(opened, BigQueryWarehouse)
        return opened

    def table(self, name: str) -> str:
        return f"{self.project}.{self.dataset}.{name}"

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        """Makes a table anew, partitioned by day where it has one; with the columns of `land`, as one that `land` made."""
        close_warehouses()
        self.client.delete_table(self.table(table), not_found_ok=True)
        made = bigquery.Table(self.table(table), [bigquery.SchemaField(name, kind) for name, kind in columns.items()])
        if "source_file" in columns:
            made.labels = LANDED_BY
        if "partition_date" in columns:
            made.time_partitioning = bigquery.TimePartitioning(field="partition_date")
        self.client.create_table(made)

    def add_column(self, table: str, column: str, kind: str) -> None:
        close_warehouses()
        self.sql(f"ALTER TABLE `{self.table(table)}` ADD COLUMN `{column}` {kind}")

    def insert(self, table: str, rows: Sequence[Mapping[str, Value]]) -> None:
        """Loads rows in one job."""
        if not rows:
            return
        schema = [f for f in self.client.get_table(self.table(table)).schema if f.name in rows[0]]
        load = bigquery.LoadJobConfig(schema=schema)
        lines = [{name: _text(value) for name, value in row.items()} for row in rows]
        self.client.load_table_from_json(lines, self.table(table), job_config=load).result()

    def delete(self, table: str, where: Mapping[str, Value]) -> int:
        tests = " AND ".join(
            f"`{name}` IS NULL" if value is None else f"`{name}` = {_literal(value)}" for name, value in where.items()
        )
        done = self.client.query_and_wait(f"DELETE FROM `{self.table(table)}` WHERE {tests or 'TRUE'}")
        return done.num_dml_affected_rows or 0

    def rows(self, table: str) -> list[Row]:
        found = self.sql(f"SELECT * FROM `{self.table(table)}`")
        return [{name: _plain(name, value) for name, value in row.items()} for row in found]

    def has_table(self, table: str) -> bool:
        try:
            return self.client.get_table(self.table(table)) is not None
        except NotFound:
            return False

    def sql(self, text: str) -> list[Row]:
        """Runs a statement of the test's own."""
        return [dict(row.items()) for row in self.client.query_and_wait(text)]

    def jobs(self, run_id: str | None = None) -> list[bigquery.QueryJob]:
        """Every query job that the engine sent to this place, or all of one run, oldest first, as the server knows them."""
        found = [
            job
            for job in self.client.list_jobs(max_results=None)
            if isinstance(job, bigquery.QueryJob)
            and job.labels.get("app") == "mixflows"
            and (self.dataset in job.query if run_id is None else job.labels.get("run_id") == run_id)
        ]
        return found[::-1]

    def copied(self, run_id: str) -> list[str]:
        """The partitions that a run's copy jobs replaced, such as `mp_events$20260329`, in order."""
        found = [
            job.destination.table_id
            for job in self.client.list_jobs(max_results=None)
            if isinstance(job, bigquery.CopyJob) and job.labels.get("run_id") == run_id
        ]
        return sorted(found)


def _plain(name: str, value: Any) -> Any:
    return json.dumps(value) if name == "properties" and isinstance(value, dict | list) else value


def _text(value: Value) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _literal(value: Value) -> str:
    match value:
        case datetime():
            return f"TIMESTAMP '{value.astimezone(UTC).isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value}'"
        case str():
            return json.dumps(value)
        case _:
            return str(value).upper()
