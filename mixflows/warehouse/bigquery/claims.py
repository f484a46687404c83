"""Claims of days on BigQuery: one run holds a day at a time, across machines.

One row of one table holds all claims, and a claim is one UPDATE of it: two runs that claim at once change the same row,
so BigQuery makes one of them wait or try again (inserts would both go through). A claim expires, and is renewed by
claiming again.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mixflows.errors import WarehouseError

EXPIRY = timedelta(hours=6)
"""A claim that was not renewed for so long is void: its run is dead."""
ATTEMPTS = 10

_Claims = dict[str, list[str]]
"""Holder and expiry of each claimed day."""
Execute = Callable[[str, dict[str, Any], str], list[dict[str, Any]]]


class Claims:
    """The claims of one dataset.

    Args:
        execute: Runs a statement (name, parameters, for whom) and returns its rows.
        now: The clock; UTC.
    """

    def __init__(self, execute: Execute, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._execute, self._now = execute, now

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims what is free, expired or already the holder's.

        Returns:
            The days that others hold, each with its holder.

        Raises:
            WarehouseError: Other runs kept changing the claims; none of the days is claimed.
        """
        held: dict[date, str] = {}

        def change(claims: _Claims) -> None:
            held.clear()
            expires = (self._now() + EXPIRY).isoformat()
            for day in days:
                owner = claims.get(day.isoformat())
                if owner is not None and owner[0] != holder:
                    held[day] = owner[0]
                else:
                    claims[day.isoformat()] = [holder, expires]

        self._change(change, holder)
        return held

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives the holder's claims back."""

        def change(claims: _Claims) -> None:
            for day in days:
                if claims.get(day.isoformat(), [""])[0] == holder:
                    del claims[day.isoformat()]

        self._change(change, holder)

    def _change(self, change: Callable[[_Claims], None], holder: str) -> None:
        """Reads the row, changes it, and writes it only if nobody else has meanwhile.

        Whether it was written is seen from the holder's own claims, not from the version: another run may have changed
        the row again since. So one of several runs gets through in each round, and is done.
        """
        version, claims = self._read(holder)
        for _ in range(ATTEMPTS):
            now = self._now().isoformat()
            claims = {day: owner for day, owner in claims.items() if owner[1] > now}
            change(claims)
            wanted = _of(holder, claims)
            text = json.dumps(claims, sort_keys=True)
            self._execute("claims_write", {"version": version, "claims": text}, holder)
            version, claims = self._read(holder)
            if _of(holder, claims) == wanted:
                return
        raise WarehouseError("other runs keep claiming days at the same moment", "Run it again.")

    def _read(self, holder: str) -> tuple[int, _Claims]:
        (row,) = self._execute("claims_read", {}, holder)
        return int(row["version"]), json.loads(row["claims"])


def _of(holder: str, claims: _Claims) -> _Claims:
    return {day: owner for day, owner in claims.items() if owner[0] == holder}
