"""Claims of days on BigQuery: one run holds a day at a time, across machines, and only while it lives.

One row of one table holds all claims, and every change is one UPDATE of it that must change one row: two runs that claim at
once change the same row, so BigQuery makes one of them wait or try again (inserts would both go through). A run's claims are
a lease of a few minutes, which a thread of its process renews until the last of them is released. The lease of a process
that died runs out; the next run that wants one of its days cancels its jobs and claims the day.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from mixflows.errors import DayHeldError, MixflowsError, WarehouseError
from mixflows.model import Run
from mixflows.text import counted
from mixflows.warehouse.bigquery.jobs import RUN_AGAIN, Jobs, Step
from mixflows.warehouse.bigquery.parameters import parameters_of

LEASE = timedelta(minutes=5)
"""A run that did not renew its claims for so long is dead, or cut off."""
RENEWED_EVERY = timedelta(minutes=1)
FORGOTTEN = timedelta(days=1)
"""A lease that ran out so long ago has no running job: BigQuery ends a job after six hours."""
ATTEMPTS = 10

_Claims = dict[str, list[str]]
"""Holder and end of the lease of each claimed day."""


def utc_now() -> datetime:
    """The clock of this machine. A lease has room for clocks that differ by a minute or two."""
    return datetime.now(UTC)


@dataclass
class _Lease:
    """What a run of this process holds."""

    expires: datetime
    days: set[date] = field(default_factory=set[date])
    lost: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class Claims:
    """The claims of one dataset, as the runs of this process make and keep them. Safe to share between threads.

    Args:
        row: Where they are.
        now: The clock; UTC.
    """

    def __init__(self, row: "ClaimsRow", now: Callable[[], datetime]) -> None:
        self._row, self._now = row, now
        self._lock = threading.RLock()
        self._known: tuple[int, _Claims] | None = None
        self._leases: dict[str, _Lease] = {}

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims what is free, what a dead run held, and what the holder has already; keeps it until it is released.

        Returns:
            The days that others hold, each with its holder.

        Raises:
            WarehouseError: Other runs kept changing the claims, or the jobs of a dead run may not be listed; none of the
                days is claimed.
        """
        held: dict[date, str] = {}
        cancelled: dict[str, bool] = {}

        def is_dead(run_id: str) -> bool:
            if run_id not in cancelled:
                cancelled[run_id] = self._row.cancel_jobs(run_id)
            return cancelled[run_id]

        def is_free(claim: list[str] | None) -> bool:
            if claim is None:
                return True
            owner, until = claim
            if owner == holder:  # of another process where this one holds nothing yet: a run that is tried again
                return holder in self._leases or is_dead(owner)
            return until <= self._now().isoformat() and is_dead(owner)

        def change(claims: _Claims) -> None:
            held.clear()
            for day in days:
                claim = claims.get(day.isoformat())
                if is_free(claim):
                    claims[day.isoformat()] = [holder, self._expires()]
                elif claim is not None:
                    held[day] = claim[0]

        with self._lock:
            expires = self._now() + LEASE
            self._change(change, holder)
            self._keep([day for day in days if day not in held], holder, expires)
        return held

    def fence(self, days: Sequence[date], holder: str) -> None:
        """Renews the holder's claims of days, and claims none anew.

        Raises:
            DayHeldError: It does not hold all of the days any more; those that it holds are renewed.
            WarehouseError: Other runs kept changing the claims.
        """
        lost: dict[date, str] = {}

        def change(claims: _Claims) -> None:
            lost.clear()
            for day in days:
                owner = claims.get(day.isoformat(), [""])[0]
                if owner == holder:
                    claims[day.isoformat()] = [holder, self._expires()]
                else:
                    lost[day] = owner

        with self._lock:
            expires = self._now() + LEASE
            self._change(change, holder)
            if (lease := self._leases.get(holder)) is not None:
                lease.days -= lost.keys()
                lease.expires, lease.lost = expires, False
        if lost:
            day, owner = next(iter(lost.items()))
            raise DayHeldError(
                f"run {holder} lost its claim of {counted(len(lost), 'day')}, {day} among them, to {owner or 'a run that is over'}",
                RUN_AGAIN,
                owner,
            )

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives the holder's claims back."""

        def change(claims: _Claims) -> None:
            for day in days:
                if claims.get(day.isoformat(), [""])[0] == holder:
                    del claims[day.isoformat()]

        with self._lock:
            lease = self._leases.get(holder)
            if lease is not None:
                lease.days -= set(days)
                if not lease.days:
                    lease.ended.set()
                    del self._leases[holder]
            self._change(change, holder)

    def is_lost(self, holder: str) -> bool:
        """Whether the lease of a run of this process ran out, or another run has taken one of its days.

        Asks nobody, so that it may be asked before every statement.
        """
        lease = self._leases.get(holder)
        return lease is not None and (lease.lost or lease.expires <= self._now())

    def close(self) -> None:
        """Renews nothing any more; what is claimed stays so until its lease ends."""
        for lease in self._leases.values():
            lease.ended.set()

    def _expires(self) -> str:
        return (self._now() + LEASE).isoformat()

    def _keep(self, days: Sequence[date], holder: str, expires: datetime) -> None:
        if not days:
            return
        lease = self._leases.get(holder)
        if lease is None:
            lease = self._leases[holder] = _Lease(expires)
            threading.Thread(target=self._renew, args=(holder, lease), name="claims", daemon=True).start()
        lease.days |= set(days)
        lease.expires = expires

    def _renew(self, holder: str, lease: _Lease) -> None:
        while not lease.ended.wait(RENEWED_EVERY.total_seconds()):
            with self._lock:
                if lease.ended.is_set():
                    return
                try:
                    self.fence(sorted(lease.days), holder)
                except DayHeldError:
                    lease.lost = True
                except MixflowsError:
                    # What cannot be reached now may be a minute later; `is_lost` sees a lease that ran out meanwhile.
                    continue

    def _change(self, change: Callable[[_Claims], None], holder: str) -> None:
        """Changes the row, from what it was after this process changed it last, or else as it is now."""
        for _ in range(ATTEMPTS):
            is_fresh = self._known is None
            version, before = self._known or self._read(holder)
            since = (self._now() - FORGOTTEN).isoformat()
            after = {day: owner for day, owner in before.items() if owner[1] > since}
            change(after)
            self._known = None
            if after == before and is_fresh:
                return
            if after != before and self._row.write(version, json.dumps(after, sort_keys=True), holder):
                self._known = version + 1, after
                return
        raise WarehouseError("other runs keep claiming days at the same moment", "Run it again.")

    def _read(self, holder: str) -> tuple[int, _Claims]:
        version, claims = self._row.read(holder)
        return version, json.loads(claims)


class ClaimsRow:
    """The one row that holds all claims, and the runs' jobs.

    Args:
        jobs: Runs the statements.
        rendered: A statement of `sql/` by its name.
        run: What is known of a run, by its id.
    """

    def __init__(self, jobs: Jobs, rendered: Callable[[str], str], run: Callable[[str], Run]) -> None:
        self._jobs, self._rendered, self._run = jobs, rendered, run

    def read(self, holder: str) -> tuple[int, str]:
        """The row's version, and the claims as JSON."""
        (row,) = self._jobs.run(self._rendered("claims_read"), {}, self._step("claims_read", holder))
        return int(row["version"]), str(row["claims"])

    def write(self, version: int, claims: str, holder: str) -> bool:
        """Changes the row if it still has the version; whether it did."""
        sql, values = self._rendered("claims_write"), {"version": version, "claims": claims}
        done = self._jobs.read(sql, parameters_of(sql, values), self._step("claims_write", holder))
        return done.num_dml_affected_rows == 1

    def cancel_jobs(self, run_id: str) -> bool:
        """Cancels the jobs of a run of any process; whether none runs any more."""
        return self._jobs.cancel_elsewhere(run_id)

    def _step(self, name: str, holder: str) -> Step:
        return Step(name, self._run(holder), may_repeat=True)
