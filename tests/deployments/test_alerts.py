"""When alerts are due, as plain functions."""

from datetime import date, time, timedelta

import jinja2
import pytest

from deployments.automations import BODY, patience
from mixflows.errors import UsageError
from tasks.alerts import duplicate_streak

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


def test_a_message_shows_names_and_no_markup_of_them() -> None:
    templates = jinja2.Environment(autoescape=False)
    templates.filters["ui_url"] = lambda _: "https://prefect/runs/1"
    state = {"name": "Blocked", "message": "new_events 1: <!channel> [log in](https://x) {{ flow.name }}"}
    run = {"name": "daily", "state": state}
    body = templates.from_string(BODY).render(flow_run=run, flow={"name": "daily"})
    assert "!channel> [log in] (https://x) {{ flow.name }}" in body
    assert "<" not in body
