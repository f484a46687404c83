"""A project on a BigQuery API server: a source that is loaded from DuckDB, mixflows' commands, and the jobs that they made."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from benchmarks.source import COLUMNS, SETTINGS, opened
from benchmarks.timed_run import Span, command
from harness.bigquery.api import BigQueryApi
from harness.bigquery.server import serving

SOURCE = "mp_master_event"


class ApiProject:
    """A dataset of its own, and a folder whose settings name it."""

    def __init__(self, api: BigQueryApi, folder: Path, dataset: str) -> None:
        self._client, self._folder, self._loaded, self.dataset = api.client(), folder, 0, dataset
        folder.mkdir()
        section = {name: value for name, value in api.settings.items() if value is not None} | {"dataset": dataset}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in section.items()]
        settings = f'[warehouse]\nengine = "bigquery"\n[bigquery]\n{"".join(lines)}{SETTINGS}'
        (folder / "mixflows.toml").write_text(settings, encoding="utf-8")
        self._client.create_dataset(f"{api.project}.{dataset}")
        schema = [bigquery.SchemaField(name, kind) for name, kind in COLUMNS.items()]
        table = bigquery.Table(f"{api.project}.{dataset}.{SOURCE}", schema)
        table.time_partitioning = bigquery.TimePartitioning(field="partition_date")
        self._source = self._client.create_table(table)

    def load(self, path: Path) -> None:
        """Loads the rows of a DuckDB source that were not loaded yet, in one job."""
        with opened(path, read_only=True) as connection:
            found = connection.execute(
                f"SELECT {', '.join(COLUMNS)} FROM {SOURCE} ORDER BY rowid OFFSET {self._loaded}"
            )
            rows = [dict(zip(COLUMNS, map(_plain, row), strict=True)) for row in found.fetchall()]
        config = bigquery.LoadJobConfig(schema=self._source.schema)
        self._client.load_table_from_json(rows, self._source, job_config=config).result()
        self._loaded += len(rows)

    def run(self, *words: str) -> tuple[Span, list[Any]]:
        """Runs a command, whose days may be flagged.

        Returns:
            Its time, and its jobs, the first one first.
        """
        before = {job.job_id for job in self._jobs()}
        measured = command(*words, "--no-prefect", folder=self._folder, expected=(0, 3))
        return measured, [job for job in self._jobs() if job.job_id not in before][::-1]

    def days(self, table: str) -> dict[date, int]:
        """Rows of a table by day."""
        return dict(Counter(row["partition_date"] for row in self.rows(table)))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        return [dict(row.items()) for row in self._client.query(f"SELECT * FROM `{self.dataset}.{table}`").result()]

    def _jobs(self) -> Iterator[Any]:
        return (job for job in self._client.list_jobs(max_results=None) if job.labels.get("app") == "mixflows")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@contextmanager
def api_on_loopback(folder: Path) -> Iterator[BigQueryApi]:
    """An API server while its body runs.

    Raises:
        NoInterpreterError: There is no Python here that it runs on.
        ServerError: It did not start.
    """
    (folder / "server").mkdir()
    with serving(folder / "server") as address:
        yield BigQueryApi("mixflows-benchmarks", address, "US")
