"""Two runs at once, one statement at a time, in an order that the test decides."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Turn = Callable[[], AbstractContextManager[None]]
Work = Callable[[Turn], Any]


class Turns:
    """Runs A and B in threads; each does its next statement only when it is its turn.

    Args:
        order: Who is next, such as `ABBA`. Beyond its end, A goes on as long as it can, then B.

    Attributes:
        trace: Who really did each statement.
    """

    def __init__(self, order: str) -> None:
        self.trace = ""
        self._order, self._at = order, 0
        self._changed = threading.Condition()
        self._busy, self._ended = False, set[str]()

    def run(self, a: Work, b: Work) -> tuple[Any, Any]:
        """Runs both to their end; what one raises is its result."""
        results: dict[str, Any] = {}

        def work(name: str, todo: Work) -> None:
            try:
                results[name] = todo(lambda: self._turn(name))
            except Exception as err:  # noqa: BLE001 - the test looks at it
                results[name] = err
            finally:
                with self._changed:
                    self._ended.add(name)
                    self._changed.notify_all()

        threads = [threading.Thread(target=work, args=pair) for pair in (("A", a), ("B", b))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results["A"], results["B"]

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._busy and self._next() == name, timeout=120)
            self._busy = True
            self._at += 1
            self.trace += name
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> str:
        while self._at < len(self._order) and self._order[self._at] in self._ended:
            self._at += 1
        if self._at < len(self._order):
            return self._order[self._at]
        return "B" if "A" in self._ended else "A"


def every_trace(run: Callable[[str], str], begin: str = "") -> int:
    """Runs every order of two runs whose statements depend on what they read.

    Args:
        run: Runs both anew, beginning with an order, and returns what the order became.
        begin: How all of them begin.

    Returns:
        How many orders there were.
    """
    waiting, count = [begin], 0
    while waiting:
        start = waiting.pop()
        trace = run(start)
        assert trace.startswith(start)
        count += 1
        for at in range(len(start), len(trace)):
            other = "B" if trace[at] == "A" else "A"
            if other in trace[at:]:
                waiting.append(trace[:at] + other)
    return count


def orders(a: int, b: int) -> list[str]:
    """Every order of `a` statements of A and `b` of B."""
    if not a or not b:
        return ["A" * a + "B" * b]
    return ["A" + rest for rest in orders(a - 1, b)] + ["B" + rest for rest in orders(a, b - 1)]
