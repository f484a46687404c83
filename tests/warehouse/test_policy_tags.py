"""Columns that only some may read on BigQuery stay protected in the published tables."""

from typing import Any

import pytest
from google.cloud import bigquery

from mixflows.settings import Settings
from mixflows.warehouse.bigquery.tables import columns_of, published_fields
from mixflows.warehouse.source import Source

TAGS = {"names": ["projects/p/locations/eu/taxonomies/1/policyTags/2"]}


@pytest.mark.parametrize("role", ["events", "rejected"])
def test_a_published_column_has_the_policy_tags_and_the_precision_of_the_sources(role: str) -> None:
    types = {"mp_event_name": "STRING", "time": "TIMESTAMP", "mp_insert_id": "STRING", "partition_date": "DATE"}
    fields: list[dict[str, Any]] = [{"name": name, "type": kind} for name, kind in types.items()]
    fields.append({"name": "distinct_id", "type": "STRING", "mode": "REQUIRED", "maxLength": "64", "policyTags": TAGS})
    table = bigquery.Table("p.d.mp_master_event", [bigquery.SchemaField.from_api_repr(dict(field)) for field in fields])
    source = Source.of(columns_of(table), Settings())

    (published,) = [f for f in published_fields(table, role, source) if f.name == "distinct_id"]

    assert published.to_api_repr() == {**fields[-1], "mode": "NULLABLE"}
