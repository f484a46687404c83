"""Names in data and paths that look like markup: states, logs and artifacts of the flows hold them as text."""

import json
import logging
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.assets import Asset

from flows.backfill import backfill
from flows.daily import daily
from flows.inspect_day import inspect
from flows.land import land
from flows.release_day import release
from flows.report import report
from tasks.assets import asset_key
from tests.flows.project import Project, Ran
from tests.support.command_line import NEW_YEAR_2024
from tests.support.hostile import LONG, NAMES, file_name

pytestmark = pytest.mark.xdist_group("prefect")

DAY = date(2024, 1, 1)
MARKUP = ("<script>", "![image]", "[link](", "`ticks`")


def events(name: str) -> str:
    lines: list[str] = []
    for n in range(20):
        time = NEW_YEAR_2024 + n
        properties = {"time": time, "distinct_id": name, "$insert_id": f"{name}{n}", name: n}
        lines += [json.dumps({"event": name, "properties": properties | {"mp_processing_time_ms": 1000 * time + n}})]
        lines += [
            json.dumps({"event": name, "properties": properties | {"mp_processing_time_ms": 1 + 1000 * time + n}})
        ]
    return "".join(line + "\n" for line in lines)


def is_text(ran: Ran) -> None:
    """The state's message, and every artifact's text, which Prefect shows as Markdown: tables' cells too."""
    assert all(line.isprintable() for line in ran.message.split("\n")), ascii(ran.message)
    for key in ("mixflows-inspect", "mixflows-summary", "mixflows-days", "mixflows-report"):
        if (artifact := ran.artifact(key)) is not None:
            data = artifact.data if isinstance(artifact.data, str) else json.dumps(artifact.data, ensure_ascii=False)
            assert all(line.isprintable() for line in data.split("\n")), ascii(data)
            assert not [markup for markup in MARKUP if markup in data]
            assert LONG not in data


@pytest.fixture
def ran(project: Project, caplog: pytest.LogCaptureFixture) -> Callable[..., Ran]:
    def run(flow: Any, *assignments: str, **parameters: Any) -> Ran:
        with caplog.at_level(logging.INFO, logger="prefect.flow_runs"):
            ended = project.run(flow, *assignments, **parameters)
        is_text(ended)
        assert all(line.isprintable() for record in caplog.records for line in record.getMessage().split("\n"))
        return ended

    return run


def test_flows_leave_names_as_text(project: Project, ran: Callable[..., Ran]) -> None:
    folder = project.folder / "exports"
    folder.mkdir()
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + file_name(name))).write_text(events(name))
        Path(os.fsdecode(os.fsencode(folder) + b"/bad " + file_name(name))).write_text("[]")
    landed = ran(land, files=[str(folder)])
    assert landed.named == ("FAILED", "Failed")
    assert project.totals()["source_rows"] == 40 * len(NAMES)
    assert ran(daily, as_of=DAY).named == ("FAILED", "Blocked")
    assert ran(backfill, mode="blocked").named == ("FAILED", "Blocked")
    looked = ran(inspect, day=DAY)
    artifact = looked.artifact("mixflows-inspect")
    assert artifact is not None
    assert "- sample, " in str(artifact.data)
    ran(release, day=DAY, because="\x1b[31m![image](x) <script> | `ticks` \u202e")
    ran(report, out=str(project.folder / "[link](x) <script>.html"))


def test_an_engines_error_that_quotes_a_name_is_text(project: Project, ran: Callable[..., Ran]) -> None:
    project.land(1, 20)
    project.refuse("mp_events", DAY)
    name = '![image](x) <script> "quoted" \x1b[31m'.replace('"', '""')
    project.close()
    project.place.change(f'ALTER TABLE mp_master_event ADD COLUMN "{name}" INTEGER DEFAULT 1')
    ended = ran(backfill)
    assert ended.named == ("FAILED", "Failed")


def test_a_table_is_an_asset_whatever_its_name_and_its_files() -> None:
    keys = [Asset(key=asset_key(f"duckdb://{name}/{name}")).key for name in (*NAMES, "a b", "a=20b", "été")]
    assert len(set(keys)) == len(keys)
    assert keys[-3:] == ["duckdb://a=20b/a=20b", "duckdb://a=3d20b/a=3d20b", "duckdb://été/été"]
