"""Where a day's rows come from, and what is wrong with them: by event name, hour, source file, library and platform.

It is counted for days that an expectation flags and for days that a person inspects, and kept in the day's profile.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from mixflows.profile.profile import OTHERS, Profile
from mixflows.settings import QualitySettings
from mixflows.text import NAME_LENGTH

EVENT, HOUR, FILE = "event", "hour", "file"
"""Parts that every day has; all others are properties, by their name."""
NONE = "(none)"
MOST_ITEMS = 12
"""Items that are kept of a part; hours are kept all."""


@dataclass(frozen=True)
class Counts:
    """Rows of one item, and how many of them have a fault; a row may have several.

    Attributes:
        duplicates: Copies that are rejected because another copy of their key is kept.
        conflicting: Those of them whose content is not their winner's.
    """

    rows: int = 0
    duplicates: int = 0
    conflicting: int = 0
    missing_insert_id: int = 0
    future: int = 0
    late: int = 0
    clock_ahead: int = 0
    identity_missing: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def faults(self) -> int:
        """How many faults its rows have."""
        return sum(vars(self).values()) - self.rows - self.conflicting

    def to_record(self) -> list[int]:
        """As it is stored: zeros at the end left out."""
        values = list(vars(self).values())
        while len(values) > 1 and not values[-1]:
            values.pop()
        return values


KINDS = tuple(f.name for f in fields(Counts) if f.name != "rows")


@dataclass(frozen=True)
class Breakdown:
    """One day by part, then by item; the items with the most faults and rows first, hours in their order.

    Attributes:
        parts: Each adds up to the day. The values of a property that may not be shown are told by their rank alone.
    """

    parts: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict[str, Mapping[str, Counts]])

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], quality: QualitySettings) -> Self:
        """Reads what `breakdown.sql` counted of one day.

        Args:
            rows: Its rows.
            quality: Names the properties, and those whose values may be shown.
        """
        found: dict[str, dict[str | None, Counts]] = defaultdict(dict)
        for row in rows:
            counts = Counts(int(row["row_count"]), *(int(row[kind]) for kind in KINDS))
            found[row["part"]][row["item"]] = counts
        order = [part for part in (EVENT, *quality.origins, HOUR, FILE) if part in found and not _is_empty(found[part])]
        return cls({part: _items(part, found[part], quality.shown_properties) for part in order})

    @classmethod
    def of_profile(cls, profile: Profile) -> Self:
        """What the profile of any day tells: rows and duplicates by event name and hour, duplicates by property."""
        hours = {f"{hour:02d}:00": Counts(t.rows, t.duplicates, t.conflicting) for hour, t in profile.hours.items()}
        parts: dict[str, Mapping[str | None, Counts]] = {
            EVENT: {name: Counts(t.rows, t.duplicates, t.conflicting) for name, t in profile.events.items()},
            **{
                name: {value: Counts(0, t.duplicates, t.conflicting) for value, t in values.items()}
                for name, values in profile.origins.items()
            },
        }
        return cls({part: _ordered(items) for part, items in parts.items() if items} | ({HOUR: hours} if hours else {}))

    def to_record(self) -> dict[str, dict[str, list[int]]]:
        """As it is stored."""
        return {
            part: {name: counts.to_record() for name, counts in items.items()} for part, items in self.parts.items()
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Mapping[str, list[int]]]) -> Self:
        """Reads what `to_record` wrote."""
        return cls({part: {name: Counts(*values) for name, values in items.items()} for part, items in record.items()})


def part_label(part: str) -> str:
    """What people call a part."""
    return {EVENT: "event name", HOUR: "hour", FILE: "source file", "mp_lib": "library", "$os": "platform"}.get(
        part, part
    )


def _is_empty(items: Mapping[str | None, Counts]) -> bool:
    """Whether no row has a value of it, as where the source does not tell files apart."""
    return set(items) == {None}


def _items(part: str, items: Mapping[str | None, Counts], shown: Collection[str]) -> dict[str, Counts]:
    if part == HOUR:
        hours = sorted((int(hour), counts) for hour, counts in items.items() if hour is not None)
        return {f"{hour:02d}:00": counts for hour, counts in hours}
    if part in (EVENT, FILE) or part in shown:
        return _ordered(items)
    hidden = sorted((name for name in items if name not in (None, OTHERS)), key=lambda name: _rank(items, name))
    names: dict[str | None, str] = {name: f"value {place}" for place, name in enumerate(hidden, 1)}
    return _ordered({names.get(name, name): counts for name, counts in items.items()})


def _ordered(items: Mapping[str | None, Counts]) -> dict[str, Counts]:
    kept: dict[str, Counts] = {}
    for place, name in enumerate(sorted(items, key=lambda name: (name == OTHERS, _rank(items, name)))):
        label = (name or NONE)[:NAME_LENGTH] if place < MOST_ITEMS else OTHERS
        kept[label] = kept.get(label, Counts()) + items[name]
    return kept


def _rank(items: Mapping[str | None, Counts], name: str | None) -> tuple[int, int, str]:
    return -items[name].faults, -items[name].rows, name or ""
