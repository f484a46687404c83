"""A day's profile: what its copies look like, in counts alone, from the scan that stages it.

It is kept as JSON, a few kilobytes a day, in `mp_day_profiles`; later days are held against it, and the report draws it.
No user's id is in it, and of the values of properties only those that `quality.shown_properties` names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from mixflows.settings import Key, QualitySettings
from mixflows.text import NAME_LENGTH

KEYS: tuple[Key, ...] = ("insert_id_time", "mixpanel", "mixpanel_day")
"""The keys in the order of the counts that a profile has of each."""
QUARTERS_PER_HOUR = 4
MOST_NAMES = 200
"""Event names that a profile tells apart, the most frequent first; the rest is counted together."""
MOST_VALUES = 12
FIRST_ARRIVALS = 0.05
OTHERS = "(others)"


@dataclass(frozen=True)
class Tally:
    """Copies of one kind: all of them, duplicates among them, and those whose content is not their winner's."""

    rows: int = 0
    duplicates: int = 0
    conflicting: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.rows + other.rows, self.duplicates + other.duplicates, self.conflicting + other.conflicting)


@dataclass(frozen=True)
class ColumnProfile:
    """One column over the day's rows.

    Attributes:
        type: In BigQuery's words.
        missing: Rows without value.
        size: The mean decimal logarithm of its numbers, to a tenth; None where it has none.
    """

    type: str
    missing: int
    size: float | None = None


@dataclass(frozen=True)
class Profile:
    """What one staged day looks like.

    Attributes:
        rows: Delivered copies.
        lateness: Copies by full days from the day's start to their arrival (0: on the day itself).
        lags: Copies by quarters of an hour from event to arrival, within 26 hours; negative where the clock is ahead.
        hours: By hour of the day, from its first instant.
        events: By event name.
        origins: By property, then by its value; masked unless it may be shown.
        reasons: Rejected copies by reason.
        rejected_by_key: Copies that each of KEYS would reject.
        events_by_key: The same by event name, where the keys disagree.
        columns: What is looked at, by name.
        types: Every column of the source, with its type in BigQuery's words.
        last_event_ms: Milliseconds from the day's start to the latest valid event; None without one.
    """

    rows: int
    lateness: Mapping[int, int] = field(default_factory=dict[int, int])
    lags: Mapping[int, int] = field(default_factory=dict[int, int])
    hours: Mapping[int, Tally] = field(default_factory=dict[int, Tally])
    events: Mapping[str, Tally] = field(default_factory=dict[str, Tally])
    origins: Mapping[str, Mapping[str, Tally]] = field(default_factory=dict[str, Mapping[str, Tally]])
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    rejected_by_key: tuple[int, ...] = (0, 0, 0)
    events_by_key: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict[str, ColumnProfile])
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    last_event_ms: int | None = None

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str], quality: QualitySettings) -> Self:
        """Reads what `profile.sql` counted.

        Args:
            rows: Its rows.
            types: Of the source's columns, by name.
            quality: Says which properties may be shown.
        """
        parts: dict[str, dict[str, Tally]] = defaultdict(dict)
        for row in rows:
            part, item = parts[row["part"]], str(row["item"])
            part[item] = part.get(item, Tally()) + Tally(int(row["a"]), int(row["b"]), int(row["c"]))
        by_key = {name: (t.rows, t.duplicates, t.conflicting) for name, t in parts["key"].items()}
        return cls(
            rows=parts["rows"].get("", Tally()).rows,
            lateness={int(days): t.rows for days, t in parts["lateness"].items()},
            lags={int(quarters): t.rows for quarters, t in parts["lag"].items()},
            hours={int(hour): t for hour, t in sorted(parts["hour"].items(), key=lambda pair: int(pair[0]))},
            events=_most_frequent(parts["event"]),
            origins=_origins(parts["origin"], quality.shown_properties),
            reasons={reason: t.rows for reason, t in sorted(parts["reason"].items())},
            rejected_by_key=tuple(sum(counts[n] for counts in by_key.values()) for n in range(len(KEYS))),
            events_by_key=dict(
                sorted(
                    ((name[:NAME_LENGTH], counts) for name, counts in by_key.items() if len(set(counts)) > 1),
                    key=lambda pair: -max(pair[1]),
                )[:MOST_VALUES]
            ),
            columns={
                name: ColumnProfile(
                    types.get(name, ""), t.rows, round(t.conflicting / t.duplicates / 1000, 1) if t.duplicates else None
                )
                for name, t in parts["column"].items()
            },
            types=dict(types),
            last_event_ms=parts["last"][""].rows if "" in parts["last"] else None,
        )

    @cached_property
    def different_by_event(self) -> Mapping[str, int]:
        """Copies that are no duplicates, by event name."""
        return {name: t.rows - t.duplicates for name, t in self.events.items()}

    @cached_property
    def different_rows(self) -> int:
        """Copies that are no duplicates; at least 1."""
        return max(1, sum(self.different_by_event.values()))

    @cached_property
    def event_shares(self) -> Mapping[str, float]:
        """What share of the copies that are no duplicates bears each event name."""
        return {name: rows / self.different_rows for name, rows in self.different_by_event.items()}

    @cached_property
    def first_arrivals(self) -> int | None:
        """Quarters of an hour within which the first twentieth of the copies arrived; None where hardly any is known."""
        known = sum(self.lags.values())
        if known < self.rows / 2:
            return None
        seen = 0
        for quarters, rows in sorted(self.lags.items()):
            seen += rows
            if seen >= known * FIRST_ARRIVALS:
                return quarters
        return None


def _most_frequent(events: Mapping[str, Tally]) -> dict[str, Tally]:
    ordered = sorted(events.items(), key=lambda pair: (-pair[1].rows, pair[0]))
    kept: dict[str, Tally] = {}
    for place, (name, tally) in enumerate(ordered):
        shown = name[:NAME_LENGTH] if place < MOST_NAMES else OTHERS
        kept[shown] = kept.get(shown, Tally()) + tally
    return kept


def _origins(items: Mapping[str, Tally], shown: Iterable[str]) -> dict[str, dict[str, Tally]]:
    """By property and value; a value that may not be shown is told by its rank alone."""
    allowed, found = set(shown), defaultdict[str, dict[str, Tally]](dict)
    hidden: Counter[str] = Counter()
    for item, tally in sorted(items.items(), key=lambda pair: (-pair[1].duplicates, pair[0])):
        name, _, value = item.partition("=")
        values = found[name]
        hidden[name] += bool(value)
        label = (value[:NAME_LENGTH] if name in allowed else f"value {hidden[name]}") if value else "(none)"
        label = label if len(values) < MOST_VALUES else OTHERS
        values[label] = values.get(label, Tally()) + tally
    return dict(found)
