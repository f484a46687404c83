"""A clock that stands still until somebody waits."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from mixflows.mixpanel.clock import Clock

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)


class SteppedClock(Clock):
    """Waiting moves it on at once.

    Attributes:
        while_waiting: Called in each wait, with its seconds.
    """

    def __init__(self, now: datetime = NOW) -> None:
        super().__init__()
        self._at = now.timestamp()
        self._lock = threading.Lock()
        self.waits: list[float] = []
        self.while_waiting: Callable[[float], None] = lambda _: None

    def now(self) -> float:
        return self._at

    def wait(self, seconds: float) -> None:
        self.go_on()
        self.while_waiting(seconds)
        with self._lock:
            self._at += seconds
            self.waits.append(seconds)

    def set(self, now: datetime) -> None:
        self._at = now.timestamp()
