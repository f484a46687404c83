"""Thresholds proposed from a table's own past, with the days that each would have flagged."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from expectations.catalogue import CATALOGUE, Described
from expectations.figures_table import DayRow
from mixflows.profile.drift import Drift
from mixflows.rates import Rates
from mixflows.settings import Bounds, Settings

USUAL_SHARE = 0.9
ROOM = 1.5
CRITICAL_ROOM = 2.0
CERTAIN_ROWS = 5
AT_LEAST_DAYS = 28
"""Every weekday four times. Of fewer days, what 90 % of them stay within is the highest or nearly so, and a bound fits chance."""


@dataclass(frozen=True)
class Suggestion:
    """A figure's past, and bounds that fit it.

    Attributes:
        judged_days: Days on which it could be judged.
        usual: Its median.
        high: What 90 % of the days stay within.
        highest: The largest, with its day.
        now: The bounds in force.
        proposed: A warning at half as much again as `high`, and, where there is a critical bound now, one at twice that.
        flagged_now: Days above the warning in force.
        flagged: Days above the proposed warning.
        blocked: Days above the proposed critical bound.
    """

    name: str
    judged_days: int
    usual: float
    high: float
    highest: tuple[date, float]
    now: Bounds
    proposed: Bounds
    flagged_now: tuple[date, ...]
    flagged: tuple[date, ...]
    blocked: tuple[date, ...]


def suggestions(rows: Sequence[DayRow], settings: Settings) -> list[Suggestion]:
    """Proposes bounds for every figure that was judged on at least AT_LEAST_DAYS days."""
    usual_rows = median([row.values["source_rows"] or 0 for row in rows]) if rows else 0
    return [
        _suggestion(described, values, getattr(settings.quality, described.name), usual_rows)
        for described, values in _judged(rows)
        if len(values) >= AT_LEAST_DAYS
    ]


def judged_on_too_few_days(rows: Sequence[DayRow]) -> dict[str, int]:
    """The other figures, each with the number of days on which it was judged."""
    return {described.name: len(values) for described, values in _judged(rows) if len(values) < AT_LEAST_DAYS}


def _judged(rows: Sequence[DayRow]) -> Iterator[tuple[Described, Mapping[date, float]]]:
    for described in CATALOGUE:
        if described.suite == "figures" and described.name in (*Rates.names(), *Drift.names()):
            yield described, {row.day: value for row in rows if (value := row.values[described.name]) is not None}


def _suggestion(described: Described, values: Mapping[date, float], now: Bounds, usual_rows: float) -> Suggestion:
    ordered = sorted(values.values())
    high = ordered[min(len(ordered) - 1, math.ceil(len(ordered) * USUAL_SHARE) - 1)]
    warning = _with_room(high, ROOM, described.unit, usual_rows)
    critical = None if now.critical is None else _with_room(warning, CRITICAL_ROOM, described.unit, usual_rows)
    proposed = Bounds(warning=warning, critical=critical)
    last = max(values, key=lambda day: values[day])
    return Suggestion(
        name=described.name,
        judged_days=len(values),
        usual=median(ordered),
        high=high,
        highest=(last, values[last]),
        now=now,
        proposed=proposed,
        flagged_now=_above(values, now.warning),
        flagged=_above(values, proposed.warning),
        blocked=_above(values, proposed.critical),
    )


def _with_room(value: float, room: float, unit: str, usual_rows: float) -> float:
    match unit:
        case "count":
            return float(math.ceil(value))
        case "factor":
            return _rounded_up(1 + max(value - 1, 0.1) * room)
        case "share":
            # Fewer than a handful of rows of a usual day are chance.
            return min(1.0, _rounded_up(max(value * room, CERTAIN_ROWS / usual_rows if usual_rows else 0)))
        case _:
            return _rounded_up(max(value * room, 0.5))


def _rounded_up(value: float) -> float:
    if value <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(value))
    return round(math.ceil(round(value * 10**digits, 6)) / 10**digits, max(digits, 0))


def _above(values: Mapping[date, float], bound: float | None) -> tuple[date, ...]:
    return () if bound is None else tuple(day for day, value in sorted(values.items()) if value > bound)
