"""Where the BigQuery tests run: a server on loopback or, with `make test-cloud PROJECT=…`, a real project.

Every test that asks for `bigquery_api` carries the mark `bigquery`. Each process that runs some has a server of its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from tests.bigquery.server import NoInterpreterError, serving

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

PROJECT_VARIABLE = "TEST_BIGQUERY_PROJECT"
LOCATION_VARIABLE = "TEST_BIGQUERY_LOCATION"
MEMORY = Path("/dev/shm")
"""Where the server's data are best: it writes each statement to disk several times over, and nothing of it is kept."""


@dataclass(frozen=True)
class BigQueryApi:
    """Where the BigQuery API is.

    Attributes:
        project: The project that holds the tests' datasets.
        endpoint: The server's address; None for Google's.
        location: The location of the datasets.
    """

    project: str
    endpoint: str | None
    location: str

    def client(self) -> "Client":
        """The real client; on loopback it needs no credentials."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client

        if self.endpoint is None:
            return Client(project=self.project, location=self.location)
        return Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.endpoint},
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The section [bigquery] for this place, without a dataset."""
        place: dict[str, Any] = {"project": self.project, "location": self.location, "api_endpoint": self.endpoint}
        # The server refuses every MERGE into a table that requires a day, where BigQuery accepts a constant one.
        return place | {"require_partition_filter": self.endpoint is None}


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
