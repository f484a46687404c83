"""Where the BigQuery tests run: a server on loopback or, with `make test-cloud PROJECT=…`, a real project.

Every test that asks for `bigquery_api` carries the mark `bigquery`. Each process that runs some has a server of its own.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.bigquery.api import BigQueryApi
from harness.bigquery.server import OBJECTS, NoInterpreterError, serving
from harness.bigquery.storage import HOST_VARIABLE, Storage, serving_storage

PROJECT_VARIABLE = "TEST_BIGQUERY_PROJECT"
LOCATION_VARIABLE = "TEST_BIGQUERY_LOCATION"
BUCKET_VARIABLE = "TEST_BIGQUERY_BUCKET"
"""Names a bucket of the real project, such as `my-bucket`, in that location."""
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
            api = BigQueryApi("mixflows-tests", address, location, Path(data) / OBJECTS)
            yield api
            assert decorated_tables(api) == []
    except NoInterpreterError as err:
        pytest.skip(f"BigQuery: {err}")


@pytest.fixture
def storage(bigquery_api: BigQueryApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """Cloud Storage on loopback, with a bucket `ours`; skips on a real project, which has no access to it."""
    if bigquery_api.objects is None:
        pytest.skip("the stand-in of Cloud Storage is beside a server on loopback")
    with serving_storage(bigquery_api.objects, "ours") as storage:
        monkeypatch.setenv(HOST_VARIABLE, storage.url)
        yield storage
    shutil.rmtree(bigquery_api.objects / "ours", ignore_errors=True)


@pytest.fixture
def bucket(request: pytest.FixtureRequest, bigquery_api: BigQueryApi) -> str:
    """The name of a bucket: a real one on a real project, if one is named, and else the stand-in's."""
    if bigquery_api.endpoint is None:
        return os.environ.get(BUCKET_VARIABLE) or pytest.skip(f"{BUCKET_VARIABLE} names no bucket of the project")
    request.getfixturevalue("storage")
    return "ours"


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
