"""A blocked day is looked at and released, on every engine."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from mixflows.errors import NotReleasedError
from mixflows.model import Run, StagedDay
from mixflows.pipeline.explain import story
from mixflows.pipeline.inspect import inspect_day
from mixflows.pipeline.release import release_day
from mixflows.verdict import Finding, Severity, Verdict
from tests.spec.engines import ON_DUCKDB
from tests.spec.project import LetAll, Project
from tests.spec.tables import DAY

SMALL = {"min_rows": 1, "row_checks": "never"}


@pytest.fixture
def blocked(project: Project) -> Project:
    project.set(quality=SMALL)
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:02
        b  | 11:00 | 11:01
    """)
    assert project.run_judged().exit_code == 3
    return project


def test_a_look_changes_nothing_and_says_what_a_release_would_do(blocked: Project) -> None:
    found = inspect_day(blocked.context(Run("look")), DAY, blocked.auditor())
    assert [f.expectation for f in found.verdict.failures] == ["duplicate_rate"]
    assert (found.staged.difference.inserted_events, found.changed_since) == (2, False)
    (sample,) = found.samples
    assert (sample.exact, sample.later_ms, sample.differences) == (True, 60_000, ())
    assert blocked.events() == []
    assert len(blocked.ledger()) == 1


def test_a_released_day_is_published_with_its_reason_and_is_not_due_again(blocked: Project) -> None:
    outcome = release_day(blocked.context(Run("let")), DAY, "copies are exact", blocked.auditor())
    assert outcome.row.note.startswith("released: copies are exact (33.33 % of 3 rows are duplicates")
    blocked.has_events("id\na\nb")
    assert blocked.ledger()[-1]["plan_reason"] == "released"
    assert blocked.planned() == {}
    told = story(blocked.warehouse, blocked.settings, "a")
    assert [(copy.place, copy.run_id) for copy in told] == [("mp_events", "let"), ("mp_rejected_events", "let")]


@ON_DUCKDB
def test_rows_that_nobody_looked_at_are_not_released(blocked: Project) -> None:
    blocked.deliver("id | time\nc | 12:00")
    with pytest.raises(NotReleasedError, match="has changed since the day was blocked"):
        release_day(blocked.context(Run("let")), DAY, "fine", blocked.auditor())
    assert blocked.events() == []


class Broken(LetAll):
    """Finds that a key would be kept twice."""

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        finding = Finding("figures", "kept_keys_unique", Severity.CRITICAL, success=False, observed_value=1.0)
        return {day.day: Verdict((finding,)) for day in staged}


@ON_DUCKDB
def test_what_guards_the_promise_cannot_be_released(blocked: Project) -> None:
    with pytest.raises(NotReleasedError, match="kept_keys_unique failed"):
        release_day(blocked.context(Run("let")), DAY, "fine", Broken())
    assert blocked.events() == []


def test_deletions_that_blocked_a_day_are_carried_out_by_its_release(project: Project) -> None:
    project.set(quality=SMALL)
    project.deliver("id | time\na | 10:00\nb | 11:00")
    project.run()
    project.delete("id\nb")
    assert project.run_judged("all").exit_code == 3
    outcome = release_day(project.context(Run("let")), DAY, "b was a test", project.auditor())
    assert outcome.row.deleted_rows == 1
    project.has_events("id\na")
