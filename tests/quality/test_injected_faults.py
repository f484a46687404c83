"""Eight faults of a source, each caught by the expectation that names it and by no other."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.ledger.profiles import with_drift
from mixflows.warehouse import close_warehouses
from tests.bigquery_engine.place import Place
from tests.spec.conftest import ENGINES
from tests.spec.engines import LANDED, DuckDBEngine, Engine
from tests.spec.project import Project

pytestmark = pytest.mark.xdist_group("faults")

DAY = date(2026, 3, 10)
PAST_DAYS = 10
ROWS = 300
NAMES = ("Open", "Open", "Open", "View", "View", "View", "View", "Buy", "Search", "Search")
SETTINGS: dict[str, Any] = {
    "landing": {"promote": {"customer_id": "STRING", "amount": "FLOAT64"}},
    "quality": {"min_rows": 100},
}

Copy = dict[str, Any]
Copies = list[Copy]


def copies_of(day: date) -> Copies:
    """A usual day: 300 events, spread evenly, most of them here within a quarter of an hour, one in a hundred twice."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    made: Copies = []
    for n in range(ROWS):
        at = start + timedelta(minutes=n * 1440 / ROWS)
        made.append(
            {
                "mp_event_name": NAMES[n % len(NAMES)],
                "time": at,
                "distinct_id": f"u{n % 40}",
                "mp_insert_id": f"{day:%m%d}-{n}",
                "mp_processing_time_ms": int((at + timedelta(seconds=5 + n * 7 % 1800)).timestamp() * 1000),
                "customer_id": f"c{n % 40}",
                "amount": 10.0 + n % 50,
                "properties": f'{{"mp_lib": "web", "n": {n}}}',
                "partition_date": day,
            }
        )
    return made


def later(copy: Copy, **changes: Any) -> Copy:
    """The copy once more, a minute later."""
    return {**copy, "mp_processing_time_ms": copy["mp_processing_time_ms"] + 60_000, **changes}


def moved(hours: float) -> Callable[[Copies], Copies]:
    """Event times off by some hours; the arrivals are right. What leaves the day is another's, what enters is this one's."""

    def faulty(day: Copies) -> Copies:
        stream = [*copies_of(DAY - timedelta(days=1)), *day, *copies_of(DAY + timedelta(days=1))]
        shifted = [{**copy, "time": copy["time"] + timedelta(hours=hours), "partition_date": DAY} for copy in stream]
        return [copy for copy in shifted if copy["time"].date() == DAY]

    return faulty


FAULTS: dict[str, tuple[Callable[[Copies], Copies], str]] = {
    "a duplicated day": (lambda day: [*day, *map(later, day)], "duplicate_rate"),
    "half a day missing": (lambda day: day[::2], "volume_change"),
    "an event name vanished": (lambda day: [c for c in day if c["mp_event_name"] != "Search"], "vanished_events"),
    "insert ids blanked": (
        lambda day: [{**c, "mp_insert_id": ""} if n % 4 == 0 else c for n, c in enumerate(day)],
        "missing_insert_id_rate",
    ),
    "a clock an hour ahead": (moved(+1), "clock_ahead_rate"),
    "a property's type changed": (lambda day: [{**c, "amount": None} for c in day], "property_type_drift"),
    "a day delivered twice with different content": (
        lambda day: [*day, *(later(c, properties='{"mp_lib": "web", "n": "other"}') for c in day)],
        "conflicting_duplicate_rate",
    ),
    **{f"a time zone wrong by {hours:+} hours": (moved(hours), "time_shift_hours") for hours in (-5, -8, -11, -0.75)},
    **{f"a time zone wrong by {hours:+} hours": (moved(hours), "future_event_rate") for hours in (+2, +5.5, +9)},
    "a property in cents": (lambda day: [{**c, "amount": c["amount"] * 100} for c in day], "property_range_drift"),
    "an evening missing": (lambda day: [c for c in day if c["time"].hour < 15], "silent_hours"),
    "users not named": (lambda day: [{**c, "customer_id": None} for c in day], "identity_missing_change"),
    "five new names": (
        lambda day: [{**c, "mp_event_name": f"New {n % 5}"} if n < ROWS / 2 else c for n, c in enumerate(day)],
        "new_events",
    ),
    "one name four times as frequent": (
        lambda day: [
            {**c, "mp_event_name": "Search"} if c["mp_event_name"] != "Buy" and n % 7 else c for n, c in enumerate(day)
        ],
        "event_share_change",
    ),
}
ON_BIGQUERY = (
    "a duplicated day",
    "half a day missing",
    "an event name vanished",
    "a property's type changed",
    "a time zone wrong by -0.75 hours",
    "a property in cents",
    "an evening missing",
    "users not named",
)
"""One of each figure that a statement counts: what is made of the figures does not know the engine."""


@pytest.fixture(scope="module", params=ENGINES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Ten usual days behind the day."""
    engine: Engine = (
        DuckDBEngine(tmp_path_factory.mktemp("faults"))
        if request.param == "duckdb"
        else Place(request.getfixturevalue("bigquery_api"))
    )
    made = Project(engine, **SETTINGS)
    made.create_source(LANDED | {"customer_id": "STRING", "amount": "FLOAT64"})
    for n in range(PAST_DAYS, 0, -1):
        made.add(copies_of(DAY - timedelta(days=n)))
    made.run()
    yield made
    close_warehouses()
    if isinstance(engine, Place):
        engine.close()


def failed_on(project: Project, copies: Copies) -> set[str]:
    """Deliver the day so, in place of what was there; which expectations fail?"""
    project.engine.delete(project.settings.tables.source, {"partition_date": DAY})
    project.add(copies)
    looked_at = with_drift(project.warehouse, project.settings, [project.look()])
    verdict = GreatExpectationsAuditor(project.settings, None).judge(looked_at, check_rows=False)[DAY]
    return {finding.expectation for finding in verdict.findings if not finding.success}


def test_a_usual_day_passes(project: Project) -> None:
    assert failed_on(project, copies_of(DAY)) == set()


@pytest.mark.parametrize(
    ("project", "fault"),
    [*(("duckdb", fault) for fault in FAULTS), *(("bigquery", fault) for fault in ON_BIGQUERY)],
    indirect=["project"],
)
def test_is_caught_by_the_expectation_that_names_it_and_no_other(project: Project, fault: str) -> None:
    make, named = FAULTS[fault]
    assert failed_on(project, make(copies_of(DAY))) == {named}
