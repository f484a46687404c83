"""The time by which queries are counted and waits are made; tests bring a clock of their own."""

import threading
import time


class StoppedError(Exception):
    """The work was stopped from outside. Not one of the user's errors: who stopped it says why."""


class Clock:
    """The machine's clock, and waits that `stop` ends."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

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

    def go_on(self) -> None:
        """Raises StoppedError if the work was stopped."""
        if self._stopped.is_set():
            raise StoppedError

    def stop(self) -> None:
        """Ends all waits, these and later ones."""
        self._stopped.set()
