"""A dataset as Mixpanel would fill it, and the settings of somebody who reads it."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import bigquery

from mixflows.settings import Settings, load_settings
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi

JSON_PIPELINE = {
    "event_name": "STRING",
    "time": "TIMESTAMP",
    "distinct_id": "STRING",
    "insert_id": "STRING",
    "device_id": "STRING",
    "user_id": "STRING",
    "properties": "JSON",
}
SCHEMATIZED = {
    "mp_event_name": "STRING",
    "time": "TIMESTAMP",
    "distinct_id": "STRING",
    "mp_insert_id": "STRING",
    "mp_processing_time_ms": "INT64",
    "city": "STRING",
}


class Mixpanel:
    """Two datasets: the source's and ours.

    Args:
        api: Where they are made.
    """

    def __init__(self, api: BigQueryApi) -> None:
        self.api, self.client = api, api.client()
        self.dataset = f"dr{uuid4().hex[:10]}"
        for name in (self.dataset, f"{self.dataset}_src"):
            self.client.create_dataset(f"{api.project}.{name}")

    def close(self) -> None:
        """Deletes both."""
        for name in (self.dataset, self.source_dataset):
            self.client.delete_dataset(name, delete_contents=True)
        self.client.close()

    @property
    def source_dataset(self) -> str:
        return f"{self.api.project}.{self.dataset}_src"

    def table(
        self,
        columns: dict[str, str],
        partition: bigquery.TimePartitioning | bigquery.RangePartitioning | None,
        name: str,
    ) -> str:
        fields = [bigquery.SchemaField(column, kind) for column, kind in columns.items()]
        table = bigquery.Table(f"{self.source_dataset}.{name}", schema=fields)
        if isinstance(partition, bigquery.RangePartitioning):
            table.range_partitioning = partition
        else:
            table.time_partitioning = partition
        self.client.create_table(table)
        return f"{self.source_dataset}.{name}"

    def fill(self, table_id: str, rows: list[dict[str, Any]]) -> None:
        table = self.client.get_table(table_id)
        config = bigquery.LoadJobConfig(schema=table.schema)
        self.client.load_table_from_json(rows, table, job_config=config).result()

    def ingest(self, columns: dict[str, str], name: str, days: list[tuple[str, list[dict[str, Any]]]]) -> str:
        """Makes a table that is partitioned by ingestion time, as it is after each day's rows were loaded on their day."""
        table_id, loaded = f"{self.source_dataset}.{name}", self.table(columns, None, f"{name}_loaded")
        kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self.client.query(f"CREATE TABLE `{table_id}` ({kinds}) PARTITION BY _PARTITIONDATE").result()
        names = ", ".join(columns)
        for day, rows in days:
            self.fill(loaded, rows)
            self.client.query(
                f"INSERT INTO `{table_id}` (_PARTITIONTIME, {names}) SELECT TIMESTAMP '{day} 00:00:00+00', {names} FROM `{loaded}`"
            ).result()
            self.client.query(f"DELETE FROM `{loaded}` WHERE TRUE").result()
        self.client.delete_table(loaded)
        return table_id

    def settings(self, **sections: dict[str, Any]) -> Settings:
        place = {**self.api.settings, "dataset": self.dataset, "source_dataset": f"{self.dataset}_src"}
        bigquery_section = place | sections.pop("bigquery", {})
        return load_settings(None, {"warehouse": {"engine": "bigquery"}, "bigquery": bigquery_section, **sections})


@pytest.fixture
def mixpanel(bigquery_api: BigQueryApi) -> Iterator[Mixpanel]:
    mixpanel = Mixpanel(bigquery_api)
    yield mixpanel
    close_warehouses()
    mixpanel.close()
