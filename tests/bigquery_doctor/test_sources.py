"""Source tables as Mixpanel's pipelines write them are recognised, and their settings are written."""

from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from mixflows.errors import MissingTableError, SourceColumnsError, UsageError
from mixflows.settings import load_settings
from mixflows.settings.toml import toml_of
from mixflows.warehouse import settings_for_source
from tests.bigquery_doctor.conftest import JSON_PIPELINE, SCHEMATIZED, Mixpanel

BY_DAY = bigquery.TimePartitioning()


@pytest.mark.parametrize(
    ("columns", "partition", "found", "said"),
    [
        (
            JSON_PIPELINE,
            BY_DAY,
            {"event_name": "event_name", "insert_id": "insert_id", "day": "_PARTITIONDATE", "arrival": None},
            "JSON pipeline, partitioned by ingestion time",
        ),
        (
            JSON_PIPELINE | {"day": "DATE"},
            bigquery.TimePartitioning(field="day"),
            {"insert_id": "insert_id", "day": "day"},
            "JSON pipeline, partitioned by column day",
        ),
        (
            SCHEMATIZED,
            BY_DAY,
            {"insert_id": "mp_insert_id", "arrival": "mp_processing_time_ms", "day": "_PARTITIONDATE"},
            "schematized pipeline, partitioned by ingestion time",
        ),
        (
            SCHEMATIZED,
            bigquery.TimePartitioning(field="time"),
            {"day": None},
            "schematized pipeline, partitioned by column time",
        ),
        (SCHEMATIZED, None, {"day": None}, "schematized pipeline, partitioned by nothing"),
    ],
    ids=["json by ingestion", "json by day", "schematized by ingestion", "schematized by time", "unpartitioned"],
)
def test_each_pipeline_and_partitioning_is_recognised_and_survives_the_settings_file(
    mixpanel: Mixpanel,
    tmp_path: Path,
    columns: dict[str, str],
    partition: bigquery.TimePartitioning | None,
    found: dict[str, Any],
    said: str,
) -> None:
    source = mixpanel.table(columns, partition, "their_events")

    settings, what = settings_for_source(mixpanel.settings(), source)

    assert said in what
    assert settings.tables.source == "their_events"
    assert {role: getattr(settings.columns, role) for role in found} == found
    file = tmp_path / "mixflows.toml"
    file.write_text(toml_of(settings))
    assert load_settings(file) == settings


def test_what_is_no_source_is_refused_with_the_next_step(mixpanel: Mixpanel) -> None:
    by_hour = bigquery.TimePartitioning(type_="HOUR")
    hourly = mixpanel.table(SCHEMATIZED, by_hour, "hourly")
    foreign = mixpanel.table({"id": "STRING"}, None, "foreign")
    view = f"{mixpanel.source_dataset}.a_view"
    mixpanel.client.query(f"CREATE VIEW `{view}` AS SELECT 1 AS one").result()
    settings = mixpanel.settings()

    for source, error, words in (
        (hourly, SourceColumnsError, "partitioned by hour"),
        (foreign, SourceColumnsError, "neither of Mixpanel's pipelines"),
        (view, SourceColumnsError, "is a view, not a table"),
        (f"{mixpanel.source_dataset}.nowhere", MissingTableError, "is not there"),
        ("two.parts", UsageError, "names no table"),
    ):
        with pytest.raises(error, match=words) as told:
            settings_for_source(settings, source)
        assert told.value.hint


def test_settings_under_which_no_partition_would_prune_are_refused(mixpanel: Mixpanel) -> None:
    from mixflows.warehouse import open_warehouse

    mixpanel.table(SCHEMATIZED, BY_DAY, "mp_master_event")

    with pytest.raises(SourceColumnsError, match="every statement would read the whole table") as told:
        open_warehouse(mixpanel.settings()).source()
    assert '"_PARTITIONDATE"' in told.value.hint
    assert open_warehouse(mixpanel.settings(columns={"day": "_PARTITIONDATE"})).source().day
