"""Little tables of rows, as text: what the examples are written in.

    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 2}

A cell `-` is NULL, `''` the empty string. `10:00` is an instant of the example's day, `+1d 10:00` of the day after, and
`2026-03-10T10:00:00Z` itself; arrivals are written likewise, and stored as milliseconds.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

DAY = date(2026, 3, 10)

NAMES = {
    "event": "mp_event_name",
    "user": "distinct_id",
    "id": "mp_insert_id",
    "arrival": "mp_processing_time_ms",
    "day": "partition_date",
    "num": "row_num",
    "reason": "rejection_reason",
    "exact": "is_exact_copy",
    "status": "status",
}
"""Short names of columns; any other header is the column's own name."""


def rows(table: str) -> list[dict[str, Any]]:
    """The rows of a table, by the columns' own names."""
    header, *lines = ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())
    return [
        {NAMES.get(name, name): _value(NAMES.get(name, name), cell) for name, cell in zip(header, line, strict=True)}
        for line in lines
    ]


def comparable(found: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """Rows as sorted text of the named columns, so that a failing example shows both tables."""
    chosen = list(names)
    return sorted(" | ".join(_text(name, row[name]) for name in chosen) for row in found)


def instant(text: str) -> datetime:
    """Reads an instant."""
    if "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC)
    parts = re.fullmatch(r"(?:([+-]\d+)d )?(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)", text)
    if parts is None:
        raise ValueError(f"{text!r} is no instant")
    at = datetime.fromisoformat(f"{DAY}T{parts[2]}").replace(tzinfo=UTC)
    return at + timedelta(days=int(parts[1] or 0))


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return round(at.timestamp() * 1000)


def _value(name: str, cell: str) -> Any:
    if cell in ("-", "''"):
        return None if cell == "-" else ""
    return READERS.get(name, str)(cell)


def _day(cell: str) -> date:
    return DAY + timedelta(days=int(cell.removesuffix("d"))) if cell.endswith("d") else date.fromisoformat(cell)


READERS: dict[str, Callable[[str], Any]] = {
    "time": instant,
    "mp_processing_time_ms": lambda cell: milliseconds(instant(cell)),
    "partition_date": _day,
    "row_num": int,
    "is_exact_copy": lambda cell: {"yes": True, "no": False}[cell],
}


def _text(name: str, value: Any) -> str:
    if name == "properties" and value is not None:
        return json.dumps(json.loads(value), sort_keys=True)
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else repr(value)
