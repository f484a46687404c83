"""The API server answers the real client, and what it is known to lack is seen."""

import pytest
from google.cloud import bigquery

from harness.bigquery.server import NEEDS, PYTHON_VARIABLE, NoInterpreterError, find_python
from tests.bigquery.fixtures import BigQueryApi, decorated_tables


def test_answers_the_real_client(client: bigquery.Client, dataset: str) -> None:
    client.query(f"CREATE TABLE `{dataset}.t` (day DATE, n INT64) PARTITION BY day").result()
    job = client.query(f"INSERT INTO `{dataset}.t` VALUES (DATE '2026-03-29', 1), (DATE '2026-03-30', 2)")
    job.result()
    assert job.num_dml_affected_rows == 2
    assert [row.n for row in client.query(f"SELECT n FROM `{dataset}.t` WHERE day = DATE '2026-03-30'").result()] == [2]


def test_a_table_named_like_a_partition_is_seen(
    bigquery_api: BigQueryApi, client: bigquery.Client, dataset: str
) -> None:
    if bigquery_api.endpoint is None:
        pytest.skip("BigQuery itself means a partition by such a name")
    client.load_table_from_json([{"n": 1}], f"{dataset}.t$20260329").result()
    assert [name.rpartition(".")[2] for name in decorated_tables(bigquery_api)] == ["t$20260329"]


def test_a_missing_interpreter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(NoInterpreterError, match=rf"needs Python {NEEDS[0]}\.{NEEDS[1]}.*{PYTHON_VARIABLE}"):
        find_python()
