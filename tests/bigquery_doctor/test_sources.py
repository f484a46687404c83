"""Source tables as Mixpanel's pipelines write them are recognised, and their settings are written."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from mixflows.days import DayRange
from mixflows.errors import MissingTableError, SourceColumnsError, UsageError
from mixflows.model import Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import ThreadSteps, process
from mixflows.pipeline.totals import read_totals
from mixflows.settings import Settings, load_settings
from mixflows.settings.toml import toml_of
from mixflows.warehouse import diagnose, open_warehouse, settings_for_source
from mixflows.warehouse.checks import CheckState
from tests.bigquery_doctor.conftest import JSON_PIPELINE, SCHEMATIZED, Mixpanel
from tests.spec.project import LetAll

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
    placed = settings.fetch.model_copy(update={"folder": tmp_path / settings.fetch.folder})
    assert load_settings(file) == settings.model_copy(update={"fetch": placed})


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


RANGES = bigquery.RangePartitioning(
    bigquery.PartitionRange(start=0, end=100, interval=10), field="mp_processing_time_ms"
)


@pytest.mark.parametrize("partition", [None, RANGES], ids=["unpartitioned", "by ranges"])
def test_a_large_source_that_is_not_partitioned_by_day_is_refused_with_its_price(
    mixpanel: Mixpanel, partition: bigquery.RangePartitioning | None
) -> None:
    source = mixpanel.table(SCHEMATIZED, partition, "mp_master_event")
    mixpanel.fill(source, [event(n) for n in range(4)])
    size = mixpanel.client.get_table(source).num_bytes
    assert size
    dear = mixpanel.settings(bigquery={"full_scan_bytes": size - 1}, columns={"day": "none"})
    with pytest.raises(UsageError, match=r"not partitioned by day: .*per TiB") as refused:
        open_warehouse(dear).create_tables()
    assert "accept_full_scans=true" in refused.value.hint
    assert list(mixpanel.client.list_tables(mixpanel.dataset)) == []
    assert [c.state for c in diagnose(dear) if c.name == "source"] == [CheckState.FAILED]
    for allowed in ({"full_scan_bytes": size}, {"full_scan_bytes": 0, "accept_full_scans": True}):
        settings = mixpanel.settings(bigquery=allowed, columns={"day": "none"})
        assert open_warehouse(settings).source().day is None
        assert [c.state for c in diagnose(settings) if c.name == "source"] == [CheckState.OK]


def event(number: int) -> dict[str, Any]:
    """An event of one of two days; every second one is delivered again."""
    at = datetime(2026, 3, 1 + number % 2, 12, tzinfo=UTC)
    return {
        "event_name": "Open",
        "mp_event_name": "Open",
        "time": at.isoformat(),
        "distinct_id": "u",
        "insert_id": f"i{number // 4}",
        "mp_insert_id": f"i{number // 4}",
        "mp_processing_time_ms": int(at.timestamp() * 1000) + number,
        "properties": '{"n": 1}',
        "event_day": at.date().isoformat(),
        "partition_date": at.date().isoformat(),
    }


@pytest.mark.parametrize(
    ("columns", "partition"),
    [
        (JSON_PIPELINE | {"event_day": "DATE"}, bigquery.TimePartitioning(field="event_day")),
        (JSON_PIPELINE | {"partition_date": "DATE"}, bigquery.TimePartitioning(field="partition_date")),
        (JSON_PIPELINE, bigquery.TimePartitioning(field="time")),
        (SCHEMATIZED | {"event_day": "DATE"}, bigquery.TimePartitioning(field="event_day")),
        (SCHEMATIZED, bigquery.TimePartitioning(field="time")),
        (SCHEMATIZED, None),
    ],
    ids=["json, own day", "json, our day", "json, time", "schematized, own day", "schematized, time", "unpartitioned"],
)
def test_each_source_runs_with_the_settings_that_are_written_for_it_and_the_doctor_says_so(
    mixpanel: Mixpanel, tmp_path: Path, columns: dict[str, str], partition: bigquery.TimePartitioning | None
) -> None:
    source = mixpanel.table(columns, partition, "their_events")
    mixpanel.fill(source, [of_columns(event(n), columns) for n in range(8)])
    runs_as_written(mixpanel, source, tmp_path)


@pytest.mark.parametrize("columns", [JSON_PIPELINE, SCHEMATIZED], ids=["json", "schematized"])
def test_a_source_partitioned_by_ingestion_time_runs_with_the_settings_that_are_written_for_it(
    mixpanel: Mixpanel, tmp_path: Path, columns: dict[str, str]
) -> None:
    """Mixpanel's default."""
    first, second = ([of_columns(event(n), columns) for n in range(8) if n % 2 == day] for day in range(2))
    source = mixpanel.ingest(columns, "their_events", [("2026-03-01", first), ("2026-03-02", second)])
    settings = runs_as_written(mixpanel, source, tmp_path)
    assert settings.columns.day == "_PARTITIONDATE"
    totals = read_totals(open_warehouse(settings), settings)
    assert str(totals) == "8 rows delivered = 4 kept + 4 rejected"


def of_columns(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in columns}


def runs_as_written(mixpanel: Mixpanel, source: str, folder: Path) -> Settings:
    """Asserts that the settings that `init` writes for a source are whole: the doctor finds nothing, and both days are published."""
    recognised, _ = settings_for_source(mixpanel.settings(), source)
    file = folder / "mixflows.toml"
    file.write_text(toml_of(recognised))
    settings = load_settings(file)
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    assert [c for c in diagnose(settings) if c.state is CheckState.FAILED] == []

    context = RunContext(warehouse, settings, Run(mixpanel.dataset))
    result = process(context, make_plan(warehouse, settings, PlanRequest()), ThreadSteps(context, LetAll()))

    assert [(o.row.status, o.row.kept_rows, o.row.rejected_rows) for o in result.outcomes] == [("published", 2, 2)] * 2
    events = mixpanel.client.query(
        f"SELECT partition_date, COUNT(*) AS n FROM `{mixpanel.api.project}.{mixpanel.dataset}.mp_events` GROUP BY 1"
    )
    assert {row["partition_date"]: row["n"] for row in events.result()} == {date(2026, 3, 1): 2, date(2026, 3, 2): 2}
    assert make_plan(warehouse, settings, PlanRequest()).days == ()
    return settings


def test_the_totals_are_those_of_the_tables_where_two_days_share_a_partition(mixpanel: Mixpanel) -> None:
    """A source partitioned by `time` has days of UTC, the project others; each row is counted once all the same."""
    source = mixpanel.table(SCHEMATIZED, bigquery.TimePartitioning(field="time"), "mp_master_event")
    hours = [datetime(2026, 2, 28, tzinfo=UTC) + timedelta(hours=2 * n) for n in range(24)]

    def fill(name: str) -> None:
        late = event(1)  # they arrive together, after the last of them
        rows = [late | {"time": at.isoformat(), "mp_insert_id": f"{name}{at}"} for at in hours]
        mixpanel.fill(source, [{column: row.get(column) for column in SCHEMATIZED} for row in rows])

    settings = mixpanel.settings(project_timezone="Asia/Tokyo", columns={"day": "none"})
    warehouse = open_warehouse(settings)
    fill("a")
    warehouse.create_tables()
    said = [str(read_totals(warehouse, settings))]
    for day, run in ((date(2026, 3, 1), "one"), (None, "all")):
        context = RunContext(warehouse, settings, Run(f"{mixpanel.dataset}{run}"))
        plan = make_plan(warehouse, settings, PlanRequest(days=DayRange(day, day)))
        process(context, plan, ThreadSteps(context, LetAll()))
        said.append(str(read_totals(warehouse, settings)))
    fill("b")
    said.append(str(read_totals(warehouse, settings)))

    assert said == [
        "24 rows delivered = 0 kept + 24 waiting",
        "24 rows delivered = 12 kept + 12 waiting",
        "24 rows delivered = 24 kept",
        "48 rows delivered + 24 retained = 24 kept + 48 waiting",
    ]
