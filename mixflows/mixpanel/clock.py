"""The time by which queries are counted and waits are made; tests bring a clock of their own."""

import threading
import time
from datetime import UTC, datetime

from mixflows.progress import listener

REPORTED_SECONDS = 10.0
"""A wait of at least this length is reported."""


class StoppedError(Exception):
    """The work was stopped from outside. Not one of the user's errors: who stopped it says why."""


class Clock:
    """The machine's clock, and waits that `stop` ends."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._reporting = threading.Lock()
        self._reported = ""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Waits without holding anything.

        Raises:
            StoppedError: The work was stopped, before or meanwhile.
        """
        if self._stopped.wait(seconds):
            raise StoppedError

    def wait_for(self, what: str, seconds: float) -> None:
        """Waits likewise, and reports a long wait to the listener: what for and until when, once if several threads wait.

        Args:
            what: Completes "waiting until 12:00:00 UTC", without secrets.
            seconds: How long.

        Raises:
            StoppedError: As `wait`.
        """
        if seconds >= REPORTED_SECONDS:
            until = datetime.fromtimestamp(round(self.now() + seconds), UTC)
            why = f"waiting until {until:%Y-%m-%d %H:%M:%S} UTC {what}"
            with self._reporting:
                is_new, self._reported = why != self._reported, why
            if is_new:
                listener().waiting(why)
        self.wait(seconds)

    def go_on(self) -> None:
        """Raises StoppedError if the work was stopped."""
        if self._stopped.is_set():
            raise StoppedError

    def stop(self) -> None:
        """Ends all waits, these and later ones."""
        self._stopped.set()
