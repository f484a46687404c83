"""What deduplication means, in plain Python: read it once and believe it. Nothing here knows of SQL."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

KEYS = {
    "insert_id_time": ("id", "time"),
    "mixpanel": ("event", "user", "id", "time"),
    "mixpanel_day": ("event", "user", "id", "day"),
}


@dataclass(frozen=True, order=True)
class Copy:
    """One delivered copy; `content` is its JSON by what it says: keys sorted, null members left out."""

    event: str | None
    user: str | None
    id: str | None
    time: datetime | None
    arrival_ms: int | None
    content: str
    day: date
    loaded_at: datetime | None = None

    @property
    def arrived_ms(self) -> int | None:
        """When it arrived or, where that is not known, was landed."""
        if self.arrival_ms is not None or self.loaded_at is None:
            return self.arrival_ms
        return milliseconds(self.loaded_at)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Copy":
        """Reads a row of the source or of a published table."""
        return cls(
            row["mp_event_name"],
            row["distinct_id"],
            row["mp_insert_id"],
            row["time"] and row["time"].astimezone(UTC),
            row["mp_processing_time_ms"],
            canonical(row["properties"]),
            row["partition_date"],
            row["loaded_at"] and row["loaded_at"].astimezone(UTC),
        )

    @classmethod
    def of_line(cls, line: str, loaded_at: datetime | None = None) -> "Copy":
        """Reads a line of an export, dated in UTC."""
        event = json.loads(line)
        members = event["properties"]
        time = datetime.fromtimestamp(members.pop("time"), UTC)
        return cls.of(
            {
                "mp_event_name": event["event"],
                "distinct_id": members.pop("distinct_id"),
                "mp_insert_id": members.pop("$insert_id"),
                "mp_processing_time_ms": members.pop("mp_processing_time_ms"),
                "time": time,
                "partition_date": time.date(),
                "properties": json.dumps(members),
                "loaded_at": loaded_at,
            }
        )


class Rejected(NamedTuple):
    """A copy that is no event, and why."""

    copy: Copy
    row_num: int | None
    reason: str
    exact: bool | None


def deduplicate(
    copies: Iterable[Copy], *, key: str, keep: str, missing: str = "reject", tolerance_s: int = 3600
) -> tuple[list[Copy], list[Rejected]]:
    """The events, and every other copy with its reason."""
    events: list[Copy] = []
    rejected: list[Rejected] = []
    groups: dict[tuple[object, ...], list[Copy]] = {}
    for copy in copies:
        if reason := invalid(copy, missing, tolerance_s):
            rejected.append(Rejected(copy, None, reason, None))
        elif not copy.id:
            events.append(copy)
        else:
            groups.setdefault((copy.day, *(getattr(copy, part) for part in KEYS[key])), []).append(copy)
    sign = 1 if keep == "first" else -1
    for group in groups.values():
        winner, *others = sorted(
            group, key=lambda c: (c.arrived_ms is None, sign * (c.arrived_ms or 0), *_newest_first(c), fingerprint(c))
        )
        events.append(winner)
        exact = [fingerprint(other) == fingerprint(winner) for other in others]
        rejected += [
            Rejected(c, n, "Duplicate event", e) for n, (c, e) in enumerate(zip(others, exact, strict=True), start=2)
        ]
    return events, rejected


def invalid(copy: Copy, missing: str, tolerance_s: int) -> str | None:
    """Why a copy cannot be an event by itself."""
    if copy.time is None:
        return "Missing event time"
    if not copy.id and missing == "reject":
        return "Missing insert id"
    if copy.arrived_ms is not None and copy.arrived_ms < milliseconds(copy.time) - tolerance_s * 1000:
        return "Event time in the future"
    return None


def _newest_first(copy: Copy) -> tuple[bool, int]:
    return copy.loaded_at is None, -milliseconds(copy.loaded_at) if copy.loaded_at else 0


def milliseconds(at: datetime) -> int:
    """Since 1970, rounded down: an arrival is told no finer."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def fingerprint(copy: Copy) -> str:
    """MD5 of the content columns in name order, by docs/decisions/fingerprint.md."""
    micros = copy.time and str(round(copy.time.timestamp() * 1_000_000))
    content = {"distinct_id": copy.user, "mp_event_name": copy.event, "mp_insert_id": copy.id}
    content |= {"properties": copy.content, "time": micros}
    text = "".join(f"{name}={len(value)}:{value};" for name, value in content.items() if value is not None)
    return hashlib.md5(text.encode()).hexdigest()


def canonical(properties: str) -> str:
    """A JSON object by what it says."""
    return json.dumps(without_nulls(json.loads(properties)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def without_nulls(value: Any) -> Any:
    """A JSON value without members that are null; elements of arrays stay."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(element) for element in value] if isinstance(value, list) else value
