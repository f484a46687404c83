"""The limit of Mixpanel's export API: queries per hour of a project, over all processes that share `fetch.folder`.

Source of the limits: https://docs.mixpanel.com/reference/rate-limits (60 queries an hour and 3 a second per project).
"""

from mixflows.errors import FetchError
from mixflows.mixpanel.clock import Clock
from mixflows.mixpanel.memory import Memory

HOUR = 3600.0
APART = 0.34
"""Seconds between two queries: at most three a second."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 300.0
"""Seconds to wait after a refusal that does not say how long, although there is room by our own count."""
LONGEST_WAY = 60.0
"""Seconds after which a query that was sent has arrived, or never will."""
PATIENCE = 90 * 60.0
"""Seconds of nothing but refusals after which a fetch gives up."""


class Limiter:
    """Lets a query through when there is room in the hour before it.

    Mixpanel counts a query when it arrives, which is after it was sent and before its answer begins. So it counts here for
    an hour after its answer began; one without an answer, as of a process that was killed, for a minute longer than an hour.

    Args:
        memory: Where the queries are counted.
        per_hour: Queries in any 3,600 seconds.
        clock: Counts and waits.
    """

    def __init__(self, memory: Memory, per_hour: int, clock: Clock) -> None:
        self._memory, self._per_hour, self._clock = memory, per_hour, clock
        self._refused_since: float | None = None
        self._refusals = 0

    def take_turn(self) -> int:
        """Waits for room and counts one query.

        Returns:
            The query's number, for `answered`.

        Raises:
            StoppedError: The work was stopped.
        """
        while True:
            self._clock.go_on()
            number, seconds, what = self._try()
            if number is not None:
                return number
            self._clock.wait_for(what, seconds)

    def answered(self, number: int, *, refused: bool, retry_after: float | None = None) -> None:
        """Tells that the answer to a query began.

        Args:
            number: From `take_turn`.
            refused: Whether it was 429: all queries of the project then pause.
            retry_after: Seconds, where the answer says so.

        Raises:
            FetchError: There was nothing but refusals for 90 minutes.
        """
        with self._memory.transaction() as connection:
            now = self._clock.now()
            connection.execute("UPDATE queries SET at = ? WHERE id = ?", (now, number))
        if not refused:
            self._refused_since, self._refusals = None, 0
            return
        since = self._refused_since = now if self._refused_since is None else self._refused_since
        if now - since >= PATIENCE:
            raise FetchError(
                f"Mixpanel refused every query for {PATIENCE / 60:.0f} minutes: another program uses the 60 queries an hour"
                f" of project {self._memory.project}",
                "Stop the other program, or lower its rate and fetch.queries_per_hour; then run the same command.",
            )
        pause = min(FIRST_PAUSE * 2**self._refusals, LONGEST_PAUSE) if retry_after is None else min(retry_after, HOUR)
        self._refusals += 1
        with self._memory.transaction() as connection:
            connection.execute(
                "INSERT INTO pauses VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET until = excluded.until",
                (self._memory.project, now + pause),
            )

    def used(self) -> int:
        """Queries that count now."""
        if self._memory.is_empty:
            return 0
        with self._memory.transaction() as connection:
            (row,) = connection.execute(
                "SELECT count(*) FROM queries WHERE project = ? AND at > ?",
                (self._memory.project, self._clock.now() - HOUR),
            )
        return int(row[0])

    def _try(self) -> tuple[int | None, float, str]:
        """The number of a query that may be sent now; or None, for how long to wait, and what for."""
        project = self._memory.project
        with self._memory.transaction() as connection:
            now = self._clock.now()  # read where nobody else counts, so that times follow one another
            # A time that the clock has not reached counts, unless the clock itself was wrong by more than an hour.
            connection.execute("DELETE FROM queries WHERE at <= ? OR at > ?", (now - HOUR, now + HOUR))
            rows = connection.execute(
                "SELECT at, sent FROM queries WHERE project = ? ORDER BY at", (project,)
            ).fetchall()
            pauses = connection.execute("SELECT until FROM pauses WHERE project = ?", (project,)).fetchall()
            times = [at for at, _ in rows]
            refused = f"because Mixpanel refused a query of project {project} by its limit (status 429)"
            used = f"for room in the hour of project {project}: {len(times):,} of {self._per_hour:,} queries are used"
            waits = [(until - now, refused) for (until,) in pauses if until - now <= HOUR]
            waits += [(sent + APART - now, used) for _, sent in rows]
            if len(times) >= self._per_hour:
                waits.append((times[-self._per_hour] + HOUR - now, used))
            longest, what = max(waits, default=(0.0, ""))
            if longest > 0:
                return None, longest, what
            cursor = connection.execute(
                "INSERT INTO queries (project, sent, at) VALUES (?, ?, ?)", (project, now, now + LONGEST_WAY)
            )
            return cursor.lastrowid, 0.0, ""
