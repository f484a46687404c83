"""The fingerprint is the same on BigQuery as on DuckDB, value by value."""

from datetime import date

import pytest
from google.cloud import bigquery
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from mixflows.model import PlannedDay, PlanReason, Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.stage import stage_batch
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse
from mixflows.warehouse.base import BatchTables
from mixflows.warehouse.bigquery.dataset import JSON_TEXT
from mixflows.warehouse.duckdb.types import json_text
from tests.bigquery.fixtures import BigQueryApi
from tests.support.examples import examples
from tests.warehouse.test_fingerprint import GOLDEN

DAY = date(2026, 3, 29)
COLUMNS = """
    mp_event_name STRING, time TIMESTAMP, distinct_id STRING, mp_insert_id STRING, mp_processing_time_ms INT64,
    price FLOAT64, amount NUMERIC, paid BOOL, since DATE, raw BYTES, tags ARRAY<STRING>, properties JSON,
    partition_date DATE, loaded_at TIMESTAMP, source_file STRING, added_later STRING
"""
ROW = """
    ('Søk; x=1', TIMESTAMP '2026-03-29 01:02:03.000004+00', NULL, 'a', {arrival}, 0.1, NUMERIC '12.5', TRUE,
    DATE '2026-03-29', FROM_HEX('00ff'), ['b', 'a'], JSON '{properties}', DATE '2026-03-29',
    TIMESTAMP '2026-03-30 00:00:00+00', '{arrival}.jsonl', NULL)
"""


@pytest.fixture
def project(bigquery_api: BigQueryApi, dataset: str) -> Settings:
    place = bigquery_api.settings | {"dataset": dataset}
    return Settings.model_validate({"warehouse": {"engine": "bigquery"}, "bigquery": place})


def test_has_the_golden_value(project: Settings, client: bigquery.Client, dataset: str) -> None:
    source = f"`{client.project}.{dataset}.mp_master_event`"
    properties = (
        '{"b": 1, "gone": null, "a": {"z": "é", "y": [1, null, 2], "w": null}}',
        '{"a": {"y": [1, null, 2], "z": "é"}, "b": 1}',
        '{"a": {"y": [1, 2], "z": "é"}, "b": 1}',
    )
    rows = ",".join(ROW.format(arrival=n, properties=text) for n, text in enumerate(properties, start=1))
    client.query(f"CREATE TABLE {source} ({COLUMNS}) PARTITION BY partition_date").result()
    client.query(f"INSERT INTO {source} VALUES {rows}").result()
    warehouse, run = open_warehouse(project), Run(dataset)
    warehouse.create_tables()
    stage_batch(RunContext(warehouse, project, run), [PlannedDay(DAY, PlanReason.NEW, 3, None)])
    copies = BatchTables.of(DAY, run).copies
    read = client.query(
        f"SELECT mf__fingerprint AS fingerprint FROM `{dataset}.{copies}` ORDER BY mp_processing_time_ms"
    ).result()
    first, second, third = (row.fingerprint for row in read)
    assert first == second == GOLDEN
    assert third != GOLDEN


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@examples(2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=20, max_size=20), others=st.lists(TEXTS, max_size=2))
def test_json_has_the_text_that_it_has_on_duckdb(
    values: list[object], others: list[str], project: Settings, client: bigquery.Client, dataset: str
) -> None:
    import json

    open_warehouse(project).create_tables()
    given_texts = [json.dumps(value) for value in values]
    names = [name for value in values if isinstance(value, dict) for name in value]
    without = "".join(f"{name}\n" for name in (*others, *names[::2]))
    function = f"`{client.project}.{dataset}.{JSON_TEXT}`"
    job = client.query(
        f"SELECT {function}(t, @without) AS text FROM UNNEST(@texts) AS t WITH OFFSET AS n ORDER BY n",
        bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ArrayQueryParameter("texts", "STRING", given_texts),
                bigquery.ScalarQueryParameter("without", "STRING", without),
            ]
        ),
    )
    assert [row.text for row in job.result()] == [json_text(text, without) for text in given_texts]
