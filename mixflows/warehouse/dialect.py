"""What the engines word differently, and how both write days as constants."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Protocol

from mixflows.days import ClockRun, DayRun
from mixflows.warehouse.base import BatchDay
from mixflows.warehouse.source import Column

PER_DAY = {
    "mf__day": "DATE",
    "mf__start_us": "INT64",
    "mf__end_us": "INT64",
    "mf__late_from_us": "INT64",
    "mf__delta": "BOOL",
    "mf__repairs_surplus": "BOOL",
}
"""The columns of the relation of a statement's days."""


def date_literal(day: date) -> str:
    """A day."""
    return f"DATE '{day.isoformat()}'"


def day_list(days: Iterable[BatchDay]) -> str:
    """Days as the list of an IN; none of them for no days."""
    return ", ".join(date_literal(known.day) for known in days) or "NULL"


def day_rows(days: Iterable[BatchDay]) -> str:
    """Days as rows of PER_DAY."""
    return ", ".join(
        f"({date_literal(d.day)}, {d.start_us}, {d.end_us}, {d.late_from_us}, {d.is_delta}, {d.repairs_surplus})"
        for d in days
    )


def in_ranges(time: str, runs: Iterable[DayRun], instant: Callable[[int], str]) -> str:
    """Whether an instant lies in one of the runs; runs that follow each other are one range.

    Args:
        time: A bare column.
        instant: Writes microseconds since 1970 as an instant.
    """
    ranges: list[tuple[int, int]] = []
    for run in runs:
        if ranges and ranges[-1][1] == run.start_us:
            ranges[-1] = (ranges[-1][0], run.end_us)
        else:
            ranges.append((run.start_us, run.end_us))
    tests = [f"({time} >= {instant(start)} AND {time} < {instant(end)})" for start, end in ranges]
    return f"({' OR '.join(tests) or 'FALSE'})"


def day_case(time_us: str, runs: Iterable[DayRun], nth_day: Callable[[DayRun], str]) -> str:
    """The day that an instant lies in; NULL where it is in no run.

    Args:
        time_us: In microseconds since 1970.
        nth_day: Writes the day of an instant in a run of several days.
    """
    branches = [
        f"WHEN {time_us} >= {run.start_us} AND {time_us} < {run.end_us}"
        f" THEN {date_literal(run.first_day) if run.days == 1 else nth_day(run)}"
        for run in runs
    ]
    return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS DATE)"


def instant_of_reading(reading: str, runs: Sequence[ClockRun]) -> str:
    """SQL of the instant, in microseconds since 1970, of a reading of a wall clock, which counts as if the clock were UTC's."""
    *later, first = reversed(runs)
    branches = [f"WHEN {reading} >= {run.from_us} THEN {reading} - ({run.offset_us})" for run in later]
    if not later:
        return f"{reading} - ({first.offset_us})"
    return f"CASE {' '.join(branches)} ELSE {reading} - ({first.offset_us}) END"


class Dialect(Protocol):
    """What the engines word differently; every method returns SQL that the templates of `sql/` hold."""

    def quote(self, name: str) -> str:
        """An identifier."""
        ...

    def literal(self, text: str) -> str:
        """A string."""
        ...

    def text(self, value: str, column: Column) -> str:
        """A value as text, for the fingerprint; NULL where it is NULL."""
        ...

    def json_text(self, value: str, without: str) -> str:
        """A JSON object as canonical text, without the members that a text names, a line each."""
        ...

    def member(self, value: str, name: str) -> str:
        """A member of a JSON object as text; NULL where it is absent or null."""
        ...

    def typed(self, text: str, column: Column) -> str:
        """A text as a value of a column's type; NULL where it is none."""
        ...

    def row_hash(self, values: Sequence[str]) -> str:
        """A 64-bit hash of values, NULLs among them."""
        ...

    def in_days(self, day: str) -> str:
        """Whether a bare DATE column is one of the statement's days, which are constants."""
        ...

    def in_instants(self, day: str) -> str:
        """The same of a TIMESTAMP column that holds midnights in UTC."""
        ...

    def in_bounds(self, time: str) -> str:
        """Whether a bare TIMESTAMP column lies in one of the statement's days."""
        ...

    def day_of(self, time_us: str) -> str:
        """The one of the statement's days that an instant, in microseconds since 1970, lies in; else NULL."""
        ...
