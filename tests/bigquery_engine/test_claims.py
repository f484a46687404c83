"""Two runs claim days at once: in no order of their statements do both hold a day, and none holds one that it lost."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from mixflows.errors import DayHeldError, WarehouseError
from mixflows.model import Run
from mixflows.warehouse.bigquery import claims as bigquery_claims
from mixflows.warehouse.bigquery.claims import LEASE, Claims, ClaimsRow
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from tests.bigquery_engine.place import Place
from tests.bigquery_engine.test_crash import SLOW
from tests.bigquery_engine.turns import Turn, Turns, every_trace
from tests.spec.project import Project
from tests.spec.tables import DAY

FIRST = date(2026, 3, 1)
MINUTE = timedelta(minutes=1)


def days(*numbers: int, after: int = 0) -> list[date]:
    return [FIRST + timedelta(days=number + after) for number in numbers]


class Clock:
    """Goes on only when the test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def row(project: Project, place: Place) -> ClaimsRow:
    """The row as any process sees it."""
    warehouse = place.warehouse(project.settings)
    return ClaimsRow(Jobs(place.client, project.settings.bigquery), warehouse.rendered, Run)


Process = Callable[..., Claims]


@pytest.fixture
def elsewhere(row: ClaimsRow, clock: Clock) -> Iterator[Process]:
    """The claims as another process has them, in turns where the test says so."""
    made: list[Claims] = []

    def make(turn: Turn | None = None) -> Claims:
        made.append(Claims(InTurns(row, turn) if turn else row, clock))
        return made[-1]

    yield make
    for claims in made:
        claims.close()


class InTurns:
    """The row, each statement in its turn."""

    def __init__(self, row: ClaimsRow, turn: Turn) -> None:
        self._row, self._turn = row, turn

    def read(self, holder: str) -> tuple[int, str]:
        with self._turn():
            return self._row.read(holder)

    def write(self, version: int, claims: str, holder: str) -> bool:
        with self._turn():
            return self._row.write(version, claims, holder)

    def cancel_jobs(self, run_id: str) -> bool:
        return self._row.cancel_jobs(run_id)


def test_in_no_order_of_two_claims_both_get_a_day(elsewhere: Process) -> None:
    """All orders where A is first, with the tries that they lead to; with A and B exchanged they are the same."""
    own_days = count(0, 10)

    def run(order: str) -> str:
        after, turns = next(own_days), Turns(order)

        def claims(mine: list[date], holder: str) -> Callable[[Turn], set[date]]:
            return lambda turn: set(mine) - set(elsewhere(turn).claim(mine, holder))

        got = turns.run(claims(days(0, 1, after=after), "a"), claims(days(1, 2, after=after), "b"))
        assert all(isinstance(mine, set) for mine in got), got
        assert got[0] | got[1] == set(days(0, 1, 2, after=after)), "somebody holds the day that both wanted"
        assert got[0] & got[1] == set(), turns.trace
        return turns.trace

    assert every_trace(run, begin="A") == 3


def test_in_no_order_a_dead_runs_day_goes_to_two(elsewhere: Process, clock: Clock) -> None:
    """The holder is not dead, only late: it fences its day while another run takes it."""
    own_days, seen = count(0, 10), set[bool]()

    def run(order: str) -> str:
        mine, turns = days(0, after=next(own_days)), Turns(order)
        late = elsewhere()
        assert late.claim(mine, "late") == {}
        late.close()
        clock.now += LEASE

        def fence(turn: Turn) -> bool:
            try:
                elsewhere(turn).fence(mine, "late")
            except DayHeldError as err:
                return err.holder != "next"
            except WarehouseError:  # the other run took the day, and cancelled this run's statement
                return False
            return True

        fenced, held = turns.run(fence, lambda turn: elsewhere(turn).claim(mine, "next"))
        assert (fenced, held) in ((True, {mine[0]: "late"}), (False, {})), turns.trace
        seen.add(fenced)
        return turns.trace

    # How many orders there are depends on how far a statement was when it was cancelled.
    assert every_trace(run, begin="A") + every_trace(run, begin="B") > len("AB")
    assert seen == {True, False}


def test_a_claim_lasts_until_it_is_released_or_its_lease_ends_and_is_renewed_by_claiming(
    elsewhere: Process, clock: Clock
) -> None:
    mine, others, third = elsewhere(), elsewhere(), elsewhere()
    assert mine.claim(days(0, 1), "a") == {}
    assert others.claim(days(1, 2), "b") == {days(1)[0]: "a"}

    clock.now += LEASE - MINUTE
    assert mine.claim(days(1), "a") == {}, "renewed"
    clock.now += 2 * MINUTE
    assert others.claim(days(0, 1), "b") == {days(1)[0]: "a"}, "what was not renewed is free"

    mine.release(days(0, 1), "a")
    assert third.claim(days(0, 1, 2), "c") == {days(0)[0]: "b"}, "a run releases nothing of another's"


def test_a_run_that_lost_a_day_may_not_publish_it_even_if_nobody_holds_it_now(elsewhere: Process, clock: Clock) -> None:
    mine, others = elsewhere(), elsewhere()
    mine.claim(days(0, 1), "a")
    mine.fence(days(0, 1), "a")
    clock.now += LEASE
    assert mine.is_lost("a")
    others.claim(days(0), "b")
    others.release(days(0), "b")
    with pytest.raises(DayHeldError, match="2026-03-01"):
        mine.fence(days(0, 1), "a")
    mine.fence(days(1), "a")
    assert others.claim(days(1), "b") == {days(1)[0]: "a"}


def test_a_run_that_lives_keeps_its_days(
    row: ClaimsRow, elsewhere: Process, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a long audit, say: nothing but the thread touches the claims."""
    monkeypatch.setattr(bigquery_claims, "RENEWED_EVERY", timedelta(seconds=0.02))
    mine, others = elsewhere(), elsewhere()
    mine.claim(days(0), "a")
    mine.claim(days(1, 2), "a")
    for _ in range(4):
        clock.now += 3 * MINUTE
        _until(lambda: others.claim(days(0, 1, 2), "b") == dict.fromkeys(days(0, 1, 2), "a") and _renewed(row, clock))
        assert not mine.is_lost("a")
    mine.release(days(0, 1), "a")
    clock.now += 3 * MINUTE
    _until(lambda: _renewed(row, clock))
    mine.release(days(2), "a")
    _until(lambda: not any(thread.name == "claims" for thread in threading.enumerate()))
    assert others.claim(days(0, 1, 2), "b") == {}


def _renewed(row: ClaimsRow, clock: Clock) -> bool:
    return (clock.now + LEASE).isoformat() in row.read("test")[1]


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_jobs_of_a_dead_run_are_cancelled_before_its_days_are_taken(
    elsewhere: Process, clock: Clock, place: Place, project: Project
) -> None:
    """Its own too, when it is tried again by another process; those of other runs go on."""
    run, other = Run(f"dead{place.dataset}"), Run(f"other{place.dataset}")
    sent = Jobs(place.client, project.settings.bigquery)

    def slow(whose: Run) -> threading.Thread:
        def work() -> None:
            with pytest.raises(WarehouseError, match="cancelled"):
                sent.run(SLOW, {}, Step("copies", whose, DAY))

        started = threading.Thread(target=work)
        started.start()
        _until(lambda: "RUNNING" in [job.state for job in place.jobs(whose.run_id)])
        return started

    neighbour = slow(other)
    for successor in ("next", run.run_id):
        dead = elsewhere()
        dead.claim(days(0), run.run_id)
        dead.close()
        work = slow(run)
        assert elsewhere().claim(days(1), "next") == {}
        clock.now += LEASE
        assert elsewhere().claim(days(0), successor) == {}
        work.join(30)
        assert not work.is_alive()
        elsewhere().release(days(0, 1), successor)
    assert [job.state for job in place.jobs(other.run_id)] == ["RUNNING"]
    sent.cancel(other.run_id)
    neighbour.join(30)


TWO_DAYS = """
    id | time
    a  | 10:00
    b  | +1d 10:00
"""


def test_a_run_leaves_days_to_a_run_that_holds_them_and_gives_its_own_back(project: Project) -> None:
    project.set(pipeline={"wait_minutes": 0})
    project.deliver(TWO_DAYS)
    first, second = (day.day for day in project.plan().days)
    assert project.warehouse.claim([first], "another") == {}
    result = project.run()
    assert (dict(result.held), result.exit_code) == ({first: "another"}, 4)
    assert [outcome.row.partition_date for outcome in result.outcomes] == [second]
    assert project.warehouse.claim([first, second], "third") == {first: "another"}
