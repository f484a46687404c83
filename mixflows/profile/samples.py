"""Samples of a day: rejected copies beside their winners, property by property, with the values masked.

A value is shown only where `quality.shown_properties` names its property. The insert id is shown, so that a person can ask
`explain` for the copies; it tells of an event, never of a user.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mixflows.settings import QualitySettings, Settings
from mixflows.text import NAME_LENGTH, plain

HIDDEN = "hidden"
ABSENT = "absent"
VALUE_LENGTH = 60
OF_THE_COPY = ("row_num", "rejection_reason", "is_exact_copy", "place", "source_file", "loaded_at", "partition_date")
MOST_DIFFERENCES = 12
"""Properties that a sample names, of those that differ."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class DifferingProperty:
    """One property in which a rejected copy is not like its winner; values masked unless they may be shown."""

    name: str
    winner: str
    copy: str


@dataclass(frozen=True)
class Sample:
    """One rejected copy; names and values are plain text, and not longer than people can read.

    Attributes:
        event: The event's name.
        insert_id: By which `explain` tells of it; empty where it has none.
        time: The event time in UTC, in ISO 8601; empty where it has none.
        exact: Whether its content is the winner's; None where it has no winner.
        later_ms: By how much it arrived after its winner; None where that is not known.
        same: How many properties are alike.
        differences: The others.
    """

    event: str
    reason: str
    exact: bool | None = None
    later_ms: int | None = None
    same: int = 0
    differences: tuple[DifferingProperty, ...] = ()
    insert_id: str = ""
    time: str = ""

    def to_record(self) -> dict[str, Any]:
        """As it is stored."""
        told = {**vars(self), "differences": [[d.name, d.winner, d.copy] for d in self.differences]}
        return {name: value for name, value in told.items() if name == "event" or value not in (None, [], "")}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Sample":
        """Reads what `to_record` wrote."""
        told: dict[str, Any] = {
            **record,
            "differences": tuple(DifferingProperty(*d) for d in record.get("differences", ())),
        }
        return cls(**told)


def day_samples(rows: Sequence[Row], settings: Settings) -> list[dict[str, Any]]:
    """The samples of what `samples.sql` returned, as they are stored."""
    winners = {row["place"]: row for row in rows if row["row_num"] == 1}
    return [
        _sample(row, winners.get(row["place"]) if row["row_num"] else None, settings).to_record()
        for row in rows
        if row["row_num"] != 1
    ]


def _sample(copy: Row, winner: Row | None, settings: Settings) -> Sample:
    event = plain(copy[settings.columns.event_name] or "", NAME_LENGTH)
    insert_id = plain(copy[settings.columns.insert_id] or "", NAME_LENGTH)
    time = _written(copy[settings.columns.time])
    if winner is None:
        return Sample(event, str(copy["rejection_reason"]), insert_id=insert_id, time=time)
    mine, best = properties_of(copy, settings), properties_of(winner, settings)
    names = sorted(mine.keys() | best.keys())
    differing = [name for name in names if mine.get(name) != best.get(name)]
    arrivals = _arrival_ms(copy, settings), _arrival_ms(winner, settings)
    return Sample(
        event=event,
        reason=str(copy["rejection_reason"]),
        exact=bool(copy["is_exact_copy"]),
        later_ms=None if None in arrivals else cast("int", arrivals[0]) - cast("int", arrivals[1]),
        same=len(names) - len(differing),
        differences=tuple(
            DifferingProperty(
                plain(name, NAME_LENGTH), _shown(name, best, settings.quality), _shown(name, mine, settings.quality)
            )
            for name in differing[:MOST_DIFFERENCES]
        ),
        insert_id=insert_id,
        time=time,
    )


def properties_of(row: Row, settings: Settings) -> dict[str, Any]:
    """A copy's content by name: its columns, and the members of its JSON."""
    roles = (settings.columns.arrival, settings.columns.loaded_at, settings.columns.day)
    left_out = {*OF_THE_COPY, *(name.lower() for name in roles if name)}
    found = {name: value for name, value in row.items() if name.lower() not in left_out and value is not None}
    held = next((found.pop(name) for name in list(found) if name.lower() == "properties"), None)
    if isinstance(held, str):
        try:
            held = json.loads(held)
        except ValueError:
            return {**found, "properties": held}
    members = cast("dict[str, Any]", held) if isinstance(held, dict) else {}
    return {**{name: value for name, value in members.items() if value is not None}, **found}


def _shown(name: str, values: Mapping[str, Any], quality: QualitySettings) -> str:
    if name not in values:
        return ABSENT
    return plain(values[name], VALUE_LENGTH) if name in quality.shown_properties else HIDDEN


def _written(time: object) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds") if isinstance(time, datetime) else ""


def _arrival_ms(row: Row, settings: Settings) -> int | None:
    for name in (settings.columns.arrival, settings.columns.loaded_at):
        value = row.get(name) if name else None
        if value is not None:
            return round(value.timestamp() * 1000) if isinstance(value, datetime) else int(value)
    return None
