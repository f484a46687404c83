"""Flows that find the warehouse's file held by another process wait for it, and end `HeldElsewhere` where that is too long."""

import logging
import threading
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from flows.backfill import backfill
from flows.daily import daily
from flows.fetch import fetch
from flows.inspect_day import inspect
from flows.land import land
from flows.release_day import release
from flows.report import report
from mixflows.errors import WarehouseBusyError
from tests.flows.project import Project
from tests.support.holding import held

pytestmark = pytest.mark.xdist_group("prefect")

DAY = date(2024, 1, 1)
FLOWS: list[tuple[Any, dict[str, Any]]] = [
    (daily, {"as_of": DAY}),
    (backfill, {}),
    (land, {"files": ["export.jsonl"]}),
    (fetch, {}),
    (report, {}),
    (inspect, {"day": DAY}),
    (release, {"day": DAY, "because": "tried"}),
]


def test_no_flow_waits_for_ever_and_one_goes_on_when_the_file_is_free(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.land(1, 20)
    settings = ("pipeline.wait_minutes=0", "mixpanel.project_id=1", f"fetch.folder={project.folder / 'fetched'}")
    with ExitStack() as holding:
        pid = holding.enter_context(held(project.folder / "mixflows.duckdb"))
        for flow, parameters in FLOWS:
            ran = project.run(flow, *settings, **parameters)
            assert ran.named == ("FAILED", "HeldElsewhere")
            assert f"is held by process {pid}" in ran.message
            assert isinstance(ran.state.result(raise_on_failure=False), WarehouseBusyError)

        timer = threading.Timer(3, holding.close)
        timer.start()
        with caplog.at_level(logging.INFO, logger="prefect.flow_runs"):
            ran = project.run(daily, as_of=DAY)
        timer.join()
    assert ran.named == ("COMPLETED", "Completed")
    assert [row["status"] for row in project.ledger()] == ["published"]
    assert any("waiting for up to 10 minutes" in record.getMessage() for record in caplog.records)
