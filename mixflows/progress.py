"""How far a long work is, told to whoever listens: the command line draws a bar, a deployed flow has no listener."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from enum import Enum

from mixflows.intake.landing import Landing
from mixflows.model import DayOutcome, Plan


class Step(Enum):
    """How far a batch of days is; the value is roughly the share of its work that is done by then."""

    COMPARED = 0.1
    RANKED = 0.4
    MEASURED = 0.5
    JUDGED = 0.6
    WRITTEN = 0.9


class Listener:
    """Hears of a run's progress: of a batch's steps in its own thread, of a fetch's waits in any, of all else in the run's thread.

    This one does nothing with what it hears.
    """

    def started(self, page: str) -> None:
        """A flow run began, which can be watched on this page."""

    def planned(self, plan: Plan) -> None:
        """The plan is made; so many days are to come."""

    def step_done(self, days: Iterable[date], step: Step) -> None:
        """Days of a batch are so far."""

    def day_done(self, outcome: DayOutcome) -> None:
        """A day ended."""

    def file_progress(self, name: str, share: float) -> None:
        """A file is landed to this share, 0 to 1."""

    def landed(self, landing: Landing) -> None:
        """A file is landed."""

    def waiting(self, why: str) -> None:
        """The work waits, for another run or for Mixpanel's limit; once for each wait: why, and for how long, in one sentence."""


NOBODY = Listener()
_listener: ContextVar[Listener] = ContextVar("mixflows_listener", default=NOBODY)


def listener() -> Listener:
    """Whoever listens in this context."""
    return _listener.get()


@contextmanager
def listening(who: Listener) -> Generator[None]:
    """Lets somebody listen for as long as the block runs."""
    token = _listener.set(who)
    try:
        yield
    finally:
        _listener.reset(token)
