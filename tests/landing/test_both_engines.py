"""Landing on BigQuery gives the tables that it gives on DuckDB, which reads the files for both."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mixflows.errors import AlreadyLandedError, SourceColumnsError, UsageError
from mixflows.intake.content import inspect_file
from mixflows.intake.landing import Landing
from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.place import Place
from tests.spec.engines import DuckDBEngine, Row
from tests.spec.project import LetAll, Project

LANDED_AT = datetime(2026, 7, 2, 3, 4, 5, 678901, tzinfo=UTC)
TABLES = ("mp_master_event", "mp_malformed_records", "mp_landings")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def place(bigquery_api: BigQueryApi) -> Iterator[Place]:
    """A dataset of its own, without a source."""
    place = Place(bigquery_api)
    yield place
    close_warehouses()
    place.close()


@pytest.fixture
def both(place: Place, tmp_path: Path) -> tuple[DuckDBEngine, Place]:
    return DuckDBEngine(tmp_path), place


def event(time: object, insert_id: str | None = "i1", **properties: Any) -> str:
    known = {"time": time, "distinct_id": "u1", "$insert_id": insert_id, "mp_processing_time_ms": 1782900000123}
    return json.dumps({"event": "Open", "properties": known | properties})


def land(engine: DuckDBEngine | Place, path: Path, *, again: bool = False, **sections: Any) -> Landing:
    settings: Settings = engine.settings(sections)
    content = inspect_file(path, settings.landing)
    return engine.warehouse(settings).land(content, again=again, landed_at=LANDED_AT)


def tables(engine: DuckDBEngine | Place) -> dict[str, list[str]]:
    return {table: sorted(_text(row) for row in engine.rows(table)) for table in TABLES}


def _text(row: Row) -> str:
    values = {name: json.loads(value) if name == "properties" else value for name, value in row.items()}
    return json.dumps(dict(sorted(values.items())), sort_keys=True, default=str)


LINES = [
    event(1782864000, "i1", customer_id="c1", number=0.1, whole=12345678901234567, nested={"b": [1, None, {"a": "é\u0000"}]}),
    event(1782950399, None),
    event(-62135510400, "first second", tokens="12"),
    event(253402127999, "last second", tokens=12.5, score=1e300, seen="2026-07-01 10:11:12.123456"),
    event(1782864000, "i4", ok=True, text='quotes " and \\ and \t'),
    json.dumps({"event": None, "properties": {"time": 1782864001}, "beside": {"a": 1}}),
    "no json", '{"event": "x"}', "[1]", event("soon"), event(1782864000123),
    '{"event": "split", "properties": {"time": 1782864002,', '"$insert_id": "joined"}}',
]  # fmt: skip


def test_the_tables_are_those_of_duckdb(both: tuple[DuckDBEngine, Place], folder: Path) -> None:
    path = folder / "export.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in LINES).encode()))
    types = {"customer_id": "STRING", "tokens": "INT64", "score": "FLOAT64", "ok": "BOOL", "seen": "TIMESTAMP"}
    sections = {"project_timezone": "Europe/Berlin", "landing": {"promote": types}}
    found = [(land(engine, path, **sections), tables(engine)) for engine in both]
    assert found[0] == found[1]
    landing = found[0][0]
    assert (landing.source_rows, landing.malformed_rows, landing.joined_rows) == (6, 6, 1)


def test_what_is_landed_before_decides(both: tuple[DuckDBEngine, Place], folder: Path) -> None:
    first, second, third = (folder / f"{name}.jsonl" for name in ("first", "second", "third"))
    first.write_text(f"{event(1782864000.25, 'i1')}\n{event(1782864000.5, 'i2')}\n")
    second.write_text(f"{event(1782864000, 'i1')}\n{event(1782864000, 'i3', plan='pro')}\n")
    third.write_text("")
    found: list[Any] = []
    for engine in both:
        landings = [land(engine, first), land(engine, first, again=True), land(engine, third), land(engine, third)]
        with pytest.raises(AlreadyLandedError) as known:
            land(engine, first)
        landings.append(land(engine, second, landing={"promote": {"plan": "STRING"}}))
        with pytest.raises(SourceColumnsError, match=r"plan is \w+, but \w+ is landed") as clash:
            land(engine, second, again=True, landing={"promote": {"plan": "INT64"}})
        with pytest.raises(UsageError) as fed:
            land(engine, second, again=True, source={"feed": "mixpanel"})
        found.append((landings, str(known.value), tables(engine)))
        assert "BIGINT" in str(clash.value) if engine is both[0] else "INT64" in str(clash.value)
        assert "fed from Mixpanel's export API" in str(fed.value)
    assert found[0] == found[1]
    assert (found[0][0][-1].sampled_rows, found[0][0][-1].restamped_rows) == (2, 1)


def test_the_source_is_our_own(place: Place, folder: Path) -> None:
    path = folder / "own.jsonl"
    path.write_text(event(1782864000) + "\n")
    land(place, path)
    source = place.client.get_table(place.table("mp_master_event"))
    assert source.time_partitioning.field == "partition_date"
    assert source.clustering_fields == ["mp_insert_id"]
    assert source.labels == {"app": "mixflows", "landed_by": "mixflows"}
    assert place.has_table("mp_events"), "published tables are created with the source"
    assert not [
        table.table_id for table in place.client.list_tables(place.dataset) if table.table_id.startswith("stg_")
    ]
    place.create_table("foreign", {"mp_event_name": "STRING", "partition_date": "DATE"})
    with pytest.raises(UsageError, match=r"mixflows did not create .*\.foreign"):
        land(place, path, again=True, tables={"source": "foreign"}, columns={})
    assert place.rows("foreign") == []


def test_landed_rows_are_dated_anew(both: tuple[DuckDBEngine, Place], folder: Path) -> None:
    """Some times are instants, others the project's wall clock, in seconds and in milliseconds; one is of no day."""
    of = {"arrival": "none"}
    clocks: list[dict[str, Any]] = [{}, {"time_zone": "project"}, {"time_zone": "project", "time_unit": "ms"}]
    times = [1774744200, 1792890000, -2208988800 - 90_000]  # both changes of Berlin's clock, and a time of no day
    for number, clock in enumerate(clocks):
        unit = 1000 if clock.get("time_unit") else 1
        lines = [event(at * unit, f"{number}-{n}") for n, at in enumerate([*times, times[0]])]
        (folder / f"zone{number}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    found: list[Any] = []
    for engine in both:
        project = Project(engine, project_timezone="Europe/Berlin", columns=of)
        for number, clock in enumerate(clocks):
            land(engine, folder / f"zone{number}.jsonl", project_timezone="Europe/Berlin", columns=of, landing=clock)
        assert project.run(auditor=LetAll()).exit_code == 0
        project.set(project_timezone="America/St_Johns")
        result = project.run(auditor=LetAll(), accept_rules=True)
        assert result.exit_code == 0, [outcome.row.error for outcome in result.outcomes]
        assert project.planned() == {}
        found.append((tables(engine), project.content()))
    assert found[0] == found[1]
    assert '"project_timezone": "America/St_Johns"' in found[0][0]["mp_landings"][0]
