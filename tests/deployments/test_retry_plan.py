"""What a further attempt of a run takes: what the earlier ones did not publish."""

from datetime import date

import pytest

from mixflows.ledger.runs import DayState
from mixflows.model import Mode, PlanReason, Run, SourceDay, Status
from mixflows.pipeline.plan import PlanRequest, plan_days
from mixflows.settings import Settings

SETTINGS = Settings()
BLOCKED, DONE, OTHERS, NEVER, LATER = (date(2026, 1, n) for n in range(1, 6))


def state(day: date, status: Status, run_id: str, version: str = "1") -> DayState:
    published = status is Status.PUBLISHED
    rules = SETTINGS.rules_version
    return DayState(
        day=day,
        status=status,
        source_version=version,
        rules_version=rules,
        thresholds_version=SETTINGS.thresholds_version,
        is_published=published,
        published_version=version if published else None,
        published_rules=rules if published else None,
        run_id=run_id,
        event_rows=9 if published else None,
        rejected_rows=1 if published else None,
    )


STATES = {
    BLOCKED: state(BLOCKED, Status.BLOCKED, "this"),
    DONE: state(DONE, Status.PUBLISHED, "this"),
    OTHERS: state(OTHERS, Status.BLOCKED, "another"),
    LATER: state(LATER, Status.PUBLISHED, "this", version="0"),
}
PUBLISHED = {DONE: (9, 1), LATER: (9, 1)}
SOURCE = [SourceDay(day, 10, "1") for day in (BLOCKED, DONE, OTHERS, NEVER, LATER)]


def taken(mode: Mode, run: Run) -> dict[date, PlanReason]:
    plan = plan_days(SOURCE, STATES, PUBLISHED, SETTINGS, PlanRequest(mode, retry_of=run.retry_of))
    return {day.day: day.reason for day in plan}


def test_a_first_attempt_leaves_blocked_days_alone() -> None:
    assert taken(Mode.DUE, Run("this", 1)) == {NEVER: PlanReason.NEW, LATER: PlanReason.CHANGED}


def test_a_retry_asks_again_for_the_days_that_its_run_blocked() -> None:
    assert taken(Mode.DUE, Run("this", 2)) == {
        BLOCKED: PlanReason.REQUESTED,
        NEVER: PlanReason.NEW,
        LATER: PlanReason.CHANGED,
    }


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_retry_of_all_days_does_not_take_again_what_its_run_published(attempt: int) -> None:
    assert DONE not in taken(Mode.ALL, Run("this", attempt))
    assert {BLOCKED, OTHERS, NEVER, LATER} == set(taken(Mode.ALL, Run("this", attempt)))
    assert set(taken(Mode.ALL, Run("this", 1))) == {BLOCKED, DONE, OTHERS, NEVER, LATER}
