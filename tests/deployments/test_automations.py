"""Who is told: the automations are made once, and each is seen to fire."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from deployments.automations import main
from mixflows.errors import UsageError
from tests.deployments.alerting import BLOCK, Told, impatient
from tests.deployments.server import PrefectServer, Process

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]
NAMES = {"a day is blocked", "a run failed", "daily has not run", "duplicates stay high", "a run lost its process"}


def test_the_automations_are_made_once(server: PrefectServer, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    def done(said: str) -> dict[str, str]:
        return {name: what.strip() for what, _, name in (line.partition("  mixflows: ") for line in said.splitlines())}

    assert done(told.said) == dict.fromkeys(NAMES, "made")
    with server.here():
        asyncio.run(main(["--notify", BLOCK, "--daily-by", "07:00"]))
    assert done(capsys.readouterr().out) == dict.fromkeys(NAMES, "unchanged") | {"daily has not run": "updated"}
    names = [automation["name"] for automation in server.post("/automations/filter")]
    assert sorted(n for n in names if n.removeprefix("mixflows: ") in NAMES) == sorted(f"mixflows: {n}" for n in NAMES)


def test_a_block_that_is_not_there_is_named(server: PrefectServer, deployed: str) -> None:
    with server.here(), pytest.raises(UsageError, match="there is no block slack-webhook/nobody"):
        asyncio.run(main(["--notify", "slack-webhook/nobody"]))


def test_a_blocked_day_is_told_with_its_reason(told: Told, nightly: dict[str, Any]) -> None:
    body = told.message("mixflows: the quality gate blocked a day", nightly["name"])
    assert "2026-07-11 (2.91 % of " in body
    assert f"/runs/flow-run/{nightly['id']}" in body


def test_three_days_of_duplicates_are_told(told: Told, nightly: dict[str, Any]) -> None:
    told.message("mixflows: duplicates stay high", "3 days up to 2026-07-11 have a duplicate rate above 0.005")


def test_a_failed_run_is_told_with_its_reason(server: PrefectServer, worker: Process, told: Told) -> None:
    run = server.ended(server.start("backfill", start="2026-04-11", end="2026-04-10"))
    assert run["state_name"] == "Failed"
    body = told.message("mixflows: a run failed", run["name"])
    assert "ends on 2026-04-10, before it starts on 2026-04-11" in body


def test_a_daily_that_has_not_run_is_told(server: PrefectServer, told: Told) -> None:
    with impatient(server, "daily has not run", daily_within=timedelta(seconds=10)):
        told.message("mixflows: daily has not run")
