"""What the days' profiles tell together: lateness, where duplicates come from, which key, and what came when."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import TypeVar

from mixflows.ledger.profiles import DayProfile
from mixflows.profile.profile import KEYS, Profile, Tally
from mixflows.settings import Settings

T = TypeVar("T")

WINDOW_DAYS = 90
SHARES = (0.99, 0.999, 1.0)
MOST_EVENTS = 15
MOST_FIRSTS = 30
GONE_AFTER = 7


@dataclass(frozen=True)
class Lateness:
    """How late the copies arrive.

    Attributes:
        curve: Full days after the day, and the share of the copies that had arrived within them; ascending.
        caught_by: The look-back, in days, that would have caught 99, 99.9 and 100 % of the copies.
        rows: Copies whose arrival is known.
        lookback_days: The setting.
        caught_now: The share that it catches.
        recommended_days: The look-back that catches 99.9 %.
    """

    curve: tuple[tuple[int, float], ...]
    caught_by: tuple[tuple[float, int], ...]
    rows: int
    lookback_days: int
    caught_now: float
    recommended_days: int

    @property
    def comes_late(self) -> bool:
        """Whether any copy arrived after its day: else there is no curve to draw."""
        return self.curve[0][1] < 1


@dataclass(frozen=True)
class KeyChoice:
    """What one of the three keys would do.

    Attributes:
        kept_rows: Copies that it would keep, of all that were delivered.
        rejected_rows: Copies that it would reject as duplicates.
    """

    key: str
    kept_rows: int
    rejected_rows: int
    in_force: bool


@dataclass(frozen=True)
class Origin:
    """Where duplicates come from: one event name, or one value of a property.

    Attributes:
        rows: All copies; 0 where only duplicates are counted.
    """

    name: str
    rows: int
    duplicate_rows: int
    conflicting_rows: int


@dataclass(frozen=True)
class First:
    """A day on which something came, or went, for the first time."""

    day: date
    what: str


@dataclass(frozen=True)
class Insights:
    """All of it, over the latest 90 days that were staged; `firsts` over all of them.

    Attributes:
        disagreements: Event names on which the keys disagree, with what each of KEYS would reject.
        origins: By property.
        hours: By hour of the day: copies and duplicates.
    """

    first_day: date
    last_day: date
    lateness: Lateness | None
    keys: tuple[KeyChoice, ...]
    disagreements: tuple[tuple[str, tuple[int, ...]], ...]
    events: tuple[Origin, ...]
    origins: tuple[tuple[str, tuple[Origin, ...]], ...]
    hours: tuple[Origin, ...]
    exact_rows: int
    conflicting_rows: int
    firsts: tuple[First, ...]


def insights(stored: Mapping[date, DayProfile], settings: Settings) -> Insights | None:
    """Adds up what the profiles say; None without any."""
    days = sorted(stored)
    if not days:
        return None
    window = [stored[day].profile for day in days[-WINDOW_DAYS:]]
    events = _added(p.events for p in window)
    rejected = [sum(p.rejected_by_key[n] for p in window) for n in range(len(KEYS))]
    kept = [sum(stored[day].kept_by_key[n] for day in days[-WINDOW_DAYS:]) for n in range(len(KEYS))]
    disagreements: Counter[str] = Counter()
    for p in window:
        disagreements.update({name: max(counts) - min(counts) for name, counts in p.events_by_key.items()})
    total = sum(events.values(), Tally())
    return Insights(
        first_day=days[-WINDOW_DAYS:][0],
        last_day=days[-1],
        lateness=_lateness(window, settings.pipeline.lookback_days),
        keys=tuple(KeyChoice(key, kept[n], rejected[n], key == settings.pipeline.key) for n, key in enumerate(KEYS)),
        disagreements=tuple(
            (name, tuple(sum(p.events_by_key[name][n] for p in window if name in p.events_by_key) for n in range(3)))
            for name, _ in disagreements.most_common(MOST_EVENTS)
        ),
        events=_origins(events)[:MOST_EVENTS],
        origins=tuple(
            (name, _origins(_added(p.origins.get(name, {}) for p in window)))
            for name in dict.fromkeys(name for p in window for name in p.origins)
        ),
        hours=tuple(
            Origin(f"{hour:02d}:00", t.rows, t.duplicates, t.conflicting)
            for hour, t in sorted(_added(p.hours for p in window).items())
        ),
        exact_rows=total.duplicates - total.conflicting,
        conflicting_rows=total.conflicting,
        firsts=_firsts([(day, stored[day].profile) for day in days]),
    )


def _added(parts: Iterable[Mapping[T, Tally]]) -> dict[T, Tally]:
    total: dict[T, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            total[name] = total.get(name, Tally()) + tally
    return total


def _origins(tallies: Mapping[str, Tally]) -> tuple[Origin, ...]:
    found = [Origin(name or "(no name)", t.rows, t.duplicates, t.conflicting) for name, t in tallies.items()]
    return tuple(sorted((o for o in found if o.duplicate_rows), key=lambda o: (-o.duplicate_rows, o.name)))


def _lateness(window: Sequence[Profile], lookback_days: int) -> Lateness | None:
    counts: Counter[int] = Counter()
    for p in window:
        counts.update({max(days, 0): rows for days, rows in p.lateness.items()})
    rows = counts.total()
    if not rows:
        return None
    ages = sorted({*counts, *range(lookback_days + 1)})
    seen = dict(zip(ages, accumulate(counts[days] for days in ages), strict=True))
    caught_by = {share: next(days for days in ages if seen[days] >= math.ceil(rows * share)) for share in SHARES}
    return Lateness(
        curve=tuple((days, within / rows) for days, within in seen.items()),
        caught_by=tuple(caught_by.items()),
        rows=rows,
        lookback_days=lookback_days,
        caught_now=seen[lookback_days] / rows,
        recommended_days=caught_by[0.999],
    )


def _firsts(days: Sequence[tuple[date, Profile]]) -> tuple[First, ...]:
    """Names and columns that came after the first day, changed their type, or did not come any more for a week."""
    names: set[str] = set()
    types: dict[str, str] = {}
    last_seen: dict[str, date] = {}
    found: list[First] = []
    for number, (day, p) in enumerate(days):
        if number and (new := sorted(set(p.events) - names)):
            shown = ", ".join(new[:5]) + (f" and {len(new) - 5:,} more" if len(new) > 5 else "")
            found.append(First(day, f"first event named {shown}"))
        names |= set(p.events)
        last_seen |= dict.fromkeys((f"event named {name}" for name in p.events), day)
        last_seen |= dict.fromkeys((f"day staged with the column {name}" for name in p.types), day)
        for name, type_ in p.types.items():
            if number and name not in types:
                found.append(First(day, f"first day staged with the column {name} ({type_})"))
            elif types.get(name, type_) != type_:
                found.append(First(day, f"the column {name} became {type_}, from {types[name]}"))
            types[name] = type_
    end = days[-1][0]
    found += [First(day, f"last {what}") for what, day in last_seen.items() if (end - day).days >= GONE_AFTER]
    return tuple(sorted(found, key=lambda first: (first.day, first.what), reverse=True)[:MOST_FIRSTS])
