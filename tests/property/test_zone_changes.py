"""A project whose time zone is changed after landing and publishing ends as one that had the other zone from the start."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixflows.errors import RulesChangedError
from mixflows.pipeline.land import land_one
from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.spec.tables import comparable
from tests.support.examples import examples

ZONES = [
    "UTC", "Europe/Berlin", "America/Vancouver", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
    "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12",
]  # fmt: skip
NEAR = [
    "2026-11-02T07:30", "2026-11-02T08:00", "2026-11-01T09:00",  # Vancouver: databases of zones differ from here on
    "2026-03-29T01:00", "2026-10-25T01:00", "2026-10-25T00:00",  # Berlin: 23 and 25 hours
    "2026-04-04T15:00", "2026-10-03T15:30",  # Lord Howe: half an hour
    "2006-10-29T02:31", "2006-10-29T02:30",  # St. John's: back from 00:01 into the day before
    "2011-12-30T09:59", "2011-12-30T10:00",  # Apia: 2011-12-30 was skipped
    "2026-06-01T00:00", "2026-06-01T18:30", "2026-06-01T18:15", "2026-06-01T10:00", "2026-06-01T12:00",
    "1875-01-01T00:00", "2300-01-01T00:00",  # of no day
]  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    at = datetime.fromisoformat(draw(st.sampled_from(NEAR))).replace(tzinfo=UTC)
    at += timedelta(minutes=draw(st.sampled_from([0, 0, -1, 1, -30, 30, -61, 59, 660])))
    properties = {
        "time": int(at.timestamp()),
        "distinct_id": draw(st.sampled_from(["u1", "u2"])),
        "$insert_id": draw(st.sampled_from(["a", "a", "b", None])),
        "mp_processing_time_ms": (int(at.timestamp()) + draw(st.sampled_from([0, 5, 400_000]))) * 1000,
        "n": draw(st.integers(1, 2)),
    }
    return {"event": draw(st.sampled_from(["Open", "View"])), "properties": properties}


streams = st.lists(st.lists(lines(), min_size=1, max_size=12), min_size=1, max_size=2)


def project(folder: Path, zone: str, sections: dict[str, Any]) -> Project:
    return Project(DuckDBEngine(folder), project_timezone=zone, **sections)


def land(project: Project, folder: Path, files: Sequence[list[dict[str, Any]]]) -> None:
    unit = 1000 if project.settings.landing.time_unit == "ms" else 1
    for number, stream in enumerate(files):
        path = folder / f"export{number}.jsonl"
        written = [
            line | {"properties": line["properties"] | {"time": line["properties"]["time"] * unit}} for line in stream
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in written))
        land_one(project.warehouse, project.settings, path, again=True)


def source(project: Project) -> list[str]:
    found = project.engine.rows("mp_master_event")
    return comparable(found, sorted(set(found[0]) - {"loaded_at"}))


def landed_days(project: Project) -> list[Any]:
    return sorted(
        (row["file_name"], repr(row["rows_per_day"]), row["project_timezone"])
        for row in project.engine.rows("mp_landings")
    )


@pytest.mark.parametrize(
    ("clock", "day"),
    [("UTC", "partition_date"), ("project", "partition_date"), ("UTC", "tag"), ("project", "none")],
)
def test_landed_rows_are_dated_anew(tmp_path_factory: pytest.TempPathFactory, clock: str, day: str) -> None:
    @examples(1)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        files = data.draw(streams)
        before, after = data.draw(st.lists(st.sampled_from(ZONES), min_size=2, max_size=2, unique=True))
        sections: dict[str, Any] = {
            "pipeline": {"key": data.draw(st.sampled_from(["insert_id_time", "mixpanel", "mixpanel_day"]))},
            "landing": {"time_zone": clock, "time_unit": data.draw(st.sampled_from(["s", "ms"]))},
            "columns": {"day": day},
        }
        folder, other = tmp_path_factory.mktemp("moved"), tmp_path_factory.mktemp("fresh")
        moved = project(folder, before, sections)
        land(moved, folder, files)
        if data.draw(st.booleans()):
            assert moved.run().exit_code == 0
        moved.set(project_timezone=after)
        if moved.ledger():
            with pytest.raises(RulesChangedError):
                moved.run()
        result = moved.run(accept_rules=True)
        assert result.exit_code == 0, [outcome.row.error for outcome in result.outcomes]
        assert not any(outcome.row.deleted_rows for outcome in result.outcomes)
        assert moved.planned() == {}
        found = source(moved), moved.content(), landed_days(moved)
        assert moved.run("all").exit_code == 0
        assert {row["status"] for row in moved.ledger()[-len(result.outcomes) :]} <= {"unchanged"}
        close_warehouses()

        fresh = project(other, after, sections)
        land(fresh, other, files)
        fresh.run()
        assert (source(fresh), fresh.content(), landed_days(fresh)) == found
        close_warehouses()

    holds()
