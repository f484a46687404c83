"""The conformance table holds on the BigQuery API, statements that change tables among them."""

import pytest
from google.cloud import bigquery

from tests.conformance.constructs import TABLE, Example


@pytest.mark.parametrize("example", TABLE, ids=str)
def test_holds_on_bigquery(example: Example, client: bigquery.Client, dataset: str) -> None:
    names = {name: f"`{client.project}.{dataset}.{name}`" for name in ("t", "u")}
    for text in example.before:
        client.query(text.format(**names)).result()
    found = [tuple(row.values()) for row in client.query(example.query.format(**names)).result()]
    assert found == list(example.rows)
