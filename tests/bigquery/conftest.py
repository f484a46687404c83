"""A dataset of each test's own."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from google.cloud import bigquery

from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi


@pytest.fixture
def client(bigquery_api: BigQueryApi) -> Iterator[bigquery.Client]:
    """The real client."""
    with bigquery_api.client() as client:
        yield client


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    """A new dataset's name, without the project; gone after the test."""
    name = f"mixflows_test_{uuid4().hex[:12]}"
    client.create_dataset(name)
    yield name
    close_warehouses()
    client.delete_dataset(name, delete_contents=True)
