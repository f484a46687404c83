"""Two small exports with everything a day can hold; the second one brings late copies that win, and a new column."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

DAYS = (date(2024, 8, 1), date(2024, 8, 2))
NEW_DAY = date(2024, 8, 3)
EVENTS_A_DAY = 40


def line(
    day: date,
    name: str,
    *,
    minute: int = 0,
    late_ms: int = 1_500,
    properties: Mapping[str, object] | None = None,
    **more: object,
) -> str:
    """One line of a raw export: an event at a minute of the day, which arrived that much later."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    seconds = int(instant.timestamp())
    members: dict[str, object] = {
        "time": seconds,
        "distinct_id": f"user-{name}",
        "$insert_id": f"id-{name}",
        "mp_processing_time_ms": seconds * 1000 + late_ms,
    }
    return json.dumps({"event": "View", "properties": members | dict(properties or {}) | more})


def first_export(days: Sequence[date] = DAYS) -> list[str]:
    """Per day: plain events, exact and other copies, rows without insert id, a row from the future, a broken line."""
    lines: list[str] = []
    for day in days:
        lines += [line(day, f"e{n}", minute=n, page=f"/{n}") for n in range(EVENTS_A_DAY)]
        lines += [line(day, "e3", minute=3, page="/3")] * 2
        lines += [line(day, "e4", minute=4, late_ms=90_000, page="/other")]
        lines += [line(day, "e5", minute=5, page="/same instant")]
        lines += [line(day, "none", minute=6, properties={"$insert_id": None})] * 2
        lines += [line(day, "future", minute=7, late_ms=-7_200_000)]
        lines += ['{"event": "View", "properties": {"time": ']
    return lines


def second_export() -> list[str]:
    """Late copies of the first day, of which some beat the published ones; new events; a new day; a new property."""
    return [*late_copies(customer_id="c"), *first_export((NEW_DAY,))]


def late_copies(day: date = DAYS[0], **properties: object) -> list[str]:
    """Late copies of some events of a day, of which the first two beat the published ones, and new events."""
    lines = [line(day, f"e{n}", minute=n, late_ms=10, page=f"/{n}", properties=properties) for n in range(10, 12)]
    lines += [line(day, f"e{n}", minute=n, late_ms=86_400_000, page=f"/{n}", properties=properties) for n in range(2)]
    lines += [line(day, f"late{n}", minute=n, late_ms=300_000_000, properties=properties) for n in range(3)]
    return lines


def write_export(path: Path, lines: Sequence[str]) -> Path:
    """Writes lines, each with a line feed."""
    path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    return path
