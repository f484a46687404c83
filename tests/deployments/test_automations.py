"""Who is told: the automations are made once, and a message arrives."""

import json
import threading
from collections.abc import Iterator
from datetime import date, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from deployments.automations import patience
from mixflows.errors import UsageError
from tasks.alerts import duplicate_streak
from tests.deployments.project import Project
from tests.deployments.server import PrefectServer, Process, eventually

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
NAMES = {"a day is blocked", "a run failed", "daily has not run", "duplicates stay high", "a run lost its process"}
BLOCK = """\
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook
text = {{"subject": "{{{{subject}}}}", "body": "{{{{body}}}}"}}
Webhook(name="mixflows", url="{url}", json_data=text).save("mixflows")
"""
DAY = date(2026, 1, 10)


@pytest.mark.parametrize(
    ("rates", "days"),
    [
        ({0: 0.006, 1: 0.006, 2: 0.006}, 3),
        ({0: 0.006, 1: 0.005, 2: 0.006}, 1),
        ({0: 0.006, 2: 0.006, 3: 0.006}, 1),
        ({0: 0.006, 1: None, 2: 0.006}, 1),
        ({0: 0.004, 1: 0.006}, 0),
        ({}, 0),
    ],
    ids=["three", "one at the bound", "a day without rows", "a day that cannot be judged", "over", "nothing"],
)
def test_days_in_a_row_above_the_warning(rates: dict[int, float | None], days: int) -> None:
    by_day = {DAY - timedelta(days=ago): rate for ago, rate in rates.items()}
    assert duplicate_streak(by_day, DAY, 0.005) == days


def test_the_deadline_is_counted_from_the_run_before() -> None:
    assert patience("15 3 * * *", time(6)) == timedelta(hours=26, minutes=45)


@pytest.mark.parametrize(
    ("cron", "by"), [("15 3 * * *", time(3, 15)), ("*/5 * * * *", time(6)), ("0 3 * * 1", time(6))]
)
def test_a_deadline_that_cannot_be_meant_is_refused(cron: str, by: time) -> None:
    with pytest.raises(UsageError):
        patience(cron, by)


@pytest.fixture(scope="module")
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a webhook, and what was posted to it."""
    messages: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            pass

    with HTTPServer(("127.0.0.1", 0), Webhook) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listener.server_port}/", messages
        listener.shutdown()
        thread.join()


def test_the_automations_are_made_once_and_tell(
    server: PrefectServer, project: Project, worker: Process, received: tuple[str, list[dict[str, Any]]]
) -> None:
    url, messages = received
    server.python("-c", BLOCK.format(url=url), folder=project.folder)

    def applied(*words: str) -> dict[str, str]:
        told = server.python(
            "-m", "deployments.automations", "--notify", "custom-webhook/mixflows", *words, folder=project.folder
        )
        return {name: what.strip() for what, _, name in (line.partition("  mixflows: ") for line in told.splitlines())}

    assert applied() == dict.fromkeys(NAMES, "made")
    again = applied("--daily-by", "07:00")
    assert again == dict.fromkeys(NAMES, "unchanged") | {"daily has not run": "updated"}
    names = [automation["name"] for automation in server.post("/automations/filter")]
    assert sorted(n for n in names if n.startswith("mixflows: ")) == sorted(f"mixflows: {name}" for name in NAMES)

    run = server.ended(server.start("daily", config="nowhere.toml"))
    assert run["state_name"] == "Failed"
    eventually(lambda: messages, "a message arrives")
    assert messages[0]["subject"] == "mixflows: a run failed"
    assert run["name"] in messages[0]["body"]
    assert "nowhere.toml is not there" in messages[0]["body"]


def test_a_block_that_is_not_there_is_named(server: PrefectServer, project: Project, deployed: str) -> None:
    with pytest.raises(AssertionError, match="there is no block slack-webhook/nobody"):
        server.python("-m", "deployments.automations", "--notify", "slack-webhook/nobody", folder=project.folder)
