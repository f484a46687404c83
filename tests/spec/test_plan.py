"""Which days are taken, why, and which are left alone."""

import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest

from mixflows.days import DayRange
from mixflows.errors import RulesChangedError, UsageError
from mixflows.model import PlannedDay, PlanReason, Run, StagedDay
from mixflows.pipeline import run as pipeline_run
from mixflows.pipeline.plan import Mode
from mixflows.pipeline.publish import publish_batch, record_failures
from mixflows.pipeline.run import ThreadSteps
from mixflows.pipeline.stage import stage_batch
from mixflows.verdict import Verdict
from mixflows.warehouse.base import BatchTables
from tests.spec.engines import ON_DUCKDB
from tests.spec.project import LetAll, Project
from tests.spec.tables import DAY

NEW, CHANGED, FAILED, BLOCKED, PUBLISHED = (DAY + timedelta(days=n) for n in range(5))

FIVE_DAYS = """
    id | time      | arrival
    a  | +1d 10:00 | +1d 10:01
    a  | +2d 10:00 | +2d 10:01
    a  | +3d 10:00 | +3d 10:01
    a  | +4d 10:00 | +4d 10:01
"""


@pytest.fixture
def history(project: Project) -> Project:
    """One day of each kind: new, changed, failed, blocked (once published), published."""
    project.deliver(FIVE_DAYS)
    project.run()
    project.delete("id | day\na | 3d")
    project.deliver("""
        id | time      | arrival
        b  | +1d 10:00 | +1d 10:01
        b  | +3d 10:00 | +3d 10:01
        d  | +3d 10:00 | +3d 10:01
    """)
    project.run_judged(days=DayRange(BLOCKED, BLOCKED))
    assert project.status(BLOCKED) == "blocked"
    failed = PlannedDay(FAILED, PlanReason.REQUESTED, 1, None)
    moment = project.ledger()[-1]["finished_at"]
    record_failures(project.context(Run("broken")), [failed], RuntimeError("disk"), moment)
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
    """)
    return project


TAKEN = {
    "due": {NEW: "new", CHANGED: "changed", FAILED: "failed"},
    "missing": {NEW: "new"},
    "changed": {CHANGED: "changed"},
    "failed": {FAILED: "failed"},
    "blocked": {BLOCKED: "requested"},
    "all": {NEW: "new", CHANGED: "changed", FAILED: "failed", BLOCKED: "requested", PUBLISHED: "requested"},
}


def test_every_mode_takes_its_days(history: Project) -> None:
    assert {mode.value: history.planned(mode.value) for mode in Mode} == TAKEN
    later = DayRange(start=CHANGED)
    without_new = {mode: {d: why for d, why in days.items() if d != NEW} for mode, days in TAKEN.items()}
    assert {mode.value: history.planned(mode.value, days=later) for mode in Mode} == without_new


def test_a_blocked_day_is_taken_again_only_when_something_changed(history: Project) -> None:
    only = DayRange(BLOCKED, BLOCKED)
    assert history.planned(days=only) == {}
    history.set(quality={"min_rows": 2})
    assert history.planned(days=only) == {BLOCKED: "thresholds_changed"}
    history.set(quality={"min_rows": 1000})
    assert history.planned(days=only) == {}
    history.deliver("""
        id | time      | arrival
        c  | +3d 10:00 | +3d 10:01
    """)
    assert history.planned(days=only) == {BLOCKED: "changed"}


def test_other_rules_are_refused_until_they_are_accepted(project: Project) -> None:
    project.deliver(FIVE_DAYS)
    project.run()
    for setting, usual, other in (
        ("key", "insert_id_time", "mixpanel"),
        ("keep", "first", "latest"),
        ("missing_insert_id", "reject", "keep"),
        ("future_tolerance_seconds", 3600, 1),
    ):
        project.set(pipeline={setting: other})
        with pytest.raises(RulesChangedError, match="4 published days, 2026-03-11 to 2026-03-14"):
            project.planned()
        assert set(project.planned(accept_rules=True).values()) == {"rules_changed"}
        project.set(pipeline={setting: usual})
        assert project.planned() == {}
    project.set(pipeline={"keep": "latest"})
    project.run(accept_rules=True)
    assert project.planned() == {}
    assert set(map(project.status, project.planned("all"))) == {"unchanged"}


@ON_DUCKDB
def test_other_rules_outside_of_the_range_do_not_matter(project: Project) -> None:
    project.deliver(FIVE_DAYS)
    project.run(days=DayRange(end=FAILED))
    project.set(pipeline={"keep": "latest"})
    assert list(project.planned(days=DayRange(start=BLOCKED))) == [BLOCKED, PUBLISHED]


def test_a_change_of_keep_takes_the_other_winner_of_published_days(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:02
        b  | 10:00 | 10:01
    """)
    project.run()
    project.set(pipeline={"keep": "latest"})
    project.run(accept_rules=True)
    project.has_events("""
        id | arrival
        a  | 10:02
        b  | 10:01
    """)
    project.has_rejected("""
        id | arrival | num
        a  | 10:01   | 2
    """)


def test_a_key_that_takes_more_together_moves_events_to_the_rejected_and_back(project: Project) -> None:
    project.set(pipeline={"key": "mixpanel"})
    project.deliver("""
        user | id | time  | arrival
        u1   | a  | 10:00 | 10:02
        u2   | a  | 10:00 | 10:01
        u3   | a  | 10:00 | 10:01
        -    | a  | 10:00 | 10:01
    """)
    project.run()
    before = project.content()
    project.set(pipeline={"key": "insert_id_time"})
    project.run(accept_rules=True)
    assert (len(project.events()), len(project.rejected())) == (1, 3)
    project.set(pipeline={"key": "mixpanel"})
    project.run(accept_rules=True)
    assert project.content() == before


@ON_DUCKDB
def test_the_usual_rows_are_the_median_of_the_days_before(project: Project) -> None:
    for day in range(8):
        project.deliver(
            "id | time | arrival\n" + "\n".join(f"i{n} | +{day}d 10:00 | +{day}d 10:01" for n in range(day + 1))
        )
    assert [day.usual_rows for day in project.plan().days] == [None] * 7 + [4.0]


def test_a_day_that_another_run_holds_is_left_alone_and_named(project: Project) -> None:
    project.set(pipeline={"wait_minutes": 0})
    project.deliver(FIVE_DAYS)
    assert project.warehouse.claim([CHANGED], "another") == {}
    result = project.run(run=Run("mine"))
    assert dict(result.held) == {CHANGED: "another"}
    assert [outcome.row.partition_date for outcome in result.outcomes] == [FAILED, BLOCKED, PUBLISHED]
    assert project.planned() == {CHANGED: "new"}
    project.warehouse.release([CHANGED], "another")
    assert [outcome.row.partition_date for outcome in project.run().outcomes] == [CHANGED]


@ON_DUCKDB
def test_a_day_that_another_run_takes_on_the_way_is_left_to_it(project: Project) -> None:
    """A window's days are claimed when it begins."""

    class LosesTheLastDay(LetAll):
        def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
            project.warehouse.release([PUBLISHED], "mine")
            assert project.warehouse.claim([PUBLISHED], "another") in ({}, {PUBLISHED: "another"})
            return super().judge(staged, check_rows=check_rows)

    project.set(backfill={"batch_days": 1, "concurrency": 1}, pipeline={"wait_minutes": 0})
    project.deliver(FIVE_DAYS)
    result = project.run(run=Run("mine"), auditor=LosesTheLastDay())
    assert dict(result.held) == {PUBLISHED: "another"}
    assert [outcome.row.partition_date for outcome in result.outcomes] == [CHANGED, FAILED, BLOCKED]
    assert project.warehouse.claim([PUBLISHED], "third") == {PUBLISHED: "another"}


class HeldAtFirst(LetAll):
    """Judges what is not held, and meanwhile the other run ends: it published one day, and left the other as it was."""

    def __init__(self, project: Project) -> None:
        self._project, self._is_held = project, True

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        if self._is_held:
            self._is_held = False
            another = self._project.context(Run("another"))
            planned = [day for day in self._project.plan().days if day.day == CHANGED]
            batch = stage_batch(another, planned)
            publish_batch(another, batch, {CHANGED: Verdict()})
            self._project.warehouse.release([CHANGED, FAILED], "another")
        return super().judge(staged, check_rows=check_rows)


@ON_DUCKDB
def test_days_that_another_run_holds_are_waited_for_and_planned_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_run, "POLL_SECONDS", 0.01)
    project.deliver(FIVE_DAYS)
    assert project.warehouse.claim([CHANGED, FAILED], "another") == {}
    result = project.run(run=Run("mine"), auditor=HeldAtFirst(project))
    assert (dict(result.held), result.exit_code) == ({}, 0)
    assert [outcome.row.partition_date for outcome in result.outcomes] == [BLOCKED, PUBLISHED, FAILED]
    ran = {(row["partition_date"], row["run_id"]) for row in project.ledger()}
    assert ran == {(CHANGED, "another"), (FAILED, "mine"), (BLOCKED, "mine"), (PUBLISHED, "mine")}
    assert project.planned() == {}
    assert project.warehouse.claim([CHANGED, FAILED], "third") == {}, "given back"


@ON_DUCKDB
def test_a_run_that_is_stopped_does_not_stage_the_days_that_wait(project: Project) -> None:
    def is_staged(day: date) -> bool:
        return project.engine.has_table(BatchTables.of(day, Run("stopped")).copies)

    class Stopped(LetAll):
        def warm_up(self) -> None:
            while not is_staged(DAY):
                time.sleep(0.01)
            raise KeyboardInterrupt

    project.deliver("id | time | arrival\n" + "\n".join(f"a | +{day}d 10:00 | +{day}d 10:01" for day in range(40)))
    project.set(backfill={"batch_days": 1, "concurrency": 1})
    steps = ThreadSteps(project.context(Run("stopped")), Stopped())
    days = project.plan().days
    assert len(days) == 40
    with pytest.raises(KeyboardInterrupt):
        steps.stage([(day,) for day in days])
    assert 0 < sum(is_staged(day.day) for day in days) < 40


@ON_DUCKDB
def test_the_newest_day_comes_first_by_choice(project: Project) -> None:
    project.deliver(FIVE_DAYS)
    days = list(project.planned())
    assert days == sorted(days)
    assert list(project.planned(newest_first=True)) == days[::-1]
    project.set(quality={"silent_hours": {"critical": 12}})
    with pytest.raises(UsageError, match=r"quality\.silent_hours\.critical"):
        project.planned(newest_first=True)
    assert list(project.planned()) == days
