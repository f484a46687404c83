"""Where the BigQuery tests run: a server on loopback or, with `make test-cloud PROJECT=…`, a real project.

Every test that asks for `bigquery_api` carries the mark `bigquery`. Each process that runs some has a server of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.bigquery.api import BigQueryApi
from harness.bigquery.server import NoInterpreterError, serving

PROJECT_VARIABLE = "TEST_BIGQUERY_PROJECT"
LOCATION_VARIABLE = "TEST_BIGQUERY_LOCATION"
MEMORY = Path("/dev/shm")
"""Where the server's data are best: it writes each statement to disk several times over, and nothing of it is kept."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the API."""
    for item in items:
        engines = item.callspec.params.values() if hasattr(item, "callspec") else ()  # pyright: ignore[reportAttributeAccessIssue]
        if "bigquery_api" in getattr(item, "fixturenames", ()) or "bigquery" in engines:
            item.add_marker(pytest.mark.bigquery)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(600))  # the first of them may make the server's environment


@pytest.fixture(scope="session")
def bigquery_api() -> Iterator[BigQueryApi]:
    """The API of this session; skips where there is no interpreter for the server."""
    location = os.environ.get(LOCATION_VARIABLE, "US")
    if project := os.environ.get(PROJECT_VARIABLE):
        yield BigQueryApi(project, None, location)
        return
    try:
        with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as data, serving(Path(data)) as address:
            api = BigQueryApi("mixflows-tests", address, location)
            yield api
            assert decorated_tables(api) == []
    except NoInterpreterError as err:
        pytest.skip(f"BigQuery: {err}")


def decorated_tables(api: BigQueryApi) -> list[str]:
    """Tables whose names end in a partition, such as `events$20260329`.

    BigQuery means a partition by it; the server makes another table, and a test would pass for the wrong reason.
    """
    client = api.client()
    try:
        tables = [table for dataset in client.list_datasets() for table in client.list_tables(dataset.reference)]
        return [table.full_table_id for table in tables if "$" in table.table_id]
    finally:
        client.close()
