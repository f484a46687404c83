"""The source's days on BigQuery, from metadata: its partitions and, where there is one, Mixpanel's log of exports."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from mixflows.days import FIRST_DAY, FURTHEST, LAST_DAY, each_day
from mixflows.model import SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.base import Row
from mixflows.warehouse.bigquery.sources import as_day

LONGEST_EXPORT = timedelta(days=3660)
"""An export's range beyond this is no range of days, and tells nothing."""


def partition_days(
    rows: Iterable[Row],
    partitioned_by: str,
    settings: Settings,
    exported: Mapping[date, datetime],
    gone: Mapping[date, int],
) -> tuple[list[SourceDay], int]:
    """Days with rows and version, and the rows in no day's partition.

    The rows of a partition that two days share are counted for the one that has more of its hours.

    Args:
        rows: INFORMATION_SCHEMA.PARTITIONS of the source.
        partitioned_by: The source's partition column.
        settings: Name the event time, and the project's time zone.
        exported: When each day was exported or landed last, for partitions that do not tell when they changed.
        gone: How many of a day's rows are copies that are gone.
    """
    found: dict[date, list[tuple[int, str]]] = {}
    sizes: dict[date, int] = defaultdict(int)
    read_at: datetime | None = None
    spread: set[date] = set()
    without_day = 0
    for row in rows:
        read_at = row.get("read_at")
        total = int(row["total_rows"] or 0)
        partition = _partition(row)
        days = [] if partition is None else list(filter(_is_day, _days_of(partition, partitioned_by, settings)))
        if not days:
            without_day += total
        spread |= set(days) if len(days) > 1 else set()
        for day in days:
            rows_of_day = total if day == days[0] else 0
            found.setdefault(day, []).append((rows_of_day, f"{total} rows, {_changed(row, exported.get(day))}"))
            sizes[day] += int(row.get("total_logical_bytes") or 0)
    # Rows without a partition may be of any day: those that were streamed in are sorted into their partitions later.
    listed = [
        SourceDay(
            day,
            max(0, sum(rows for rows, _ in parts) - gone.get(day, 0)),
            "; ".join([*(version for _, version in parts), *([f"{gone[day]} gone"] if day in gone else [])]),
            is_exact=not without_day and day not in spread,
            share=sizes[day] / settings.bigquery.largest_batch,
            read_at=read_at,
        )
        for day, parts in sorted(found.items())
    ]
    return listed, without_day


def counted_days(rows: Sequence[Row], exported: Mapping[date, datetime]) -> tuple[list[SourceDay], int]:
    """Days of a source without partitions, counted: a change is told by rows, the last landing and an export log."""
    listed = [
        SourceDay(
            row["day"],
            int(row["source_rows"]),
            f"{row['source_rows']} rows, last landed {row['last_landed']}, {_changed({}, exported.get(row['day']))}",
            is_exact=True,
            read_at=row["read_at"],
        )
        for row in rows
        if _is_day(row["day"])
    ]
    return listed, sum(int(row["source_rows"]) for row in rows if not _is_day(row["day"]))


def published_days(rows: Iterable[Row], events: str, rejected: str) -> dict[date, tuple[int, int]]:
    """How many events and rejected copies each day has.

    Args:
        rows: INFORMATION_SCHEMA.PARTITIONS of the published tables.
        events: The name of the published events.
        rejected: The name of the rejected copies.
    """
    found: dict[date, dict[str, int]] = {}
    for row in rows:
        if (day := _partition(row)) is not None:
            found.setdefault(day, {})[row["table_name"]] = int(row["total_rows"] or 0)
    return {day: (counts.get(events, 0), counts.get(rejected, 0)) for day, counts in found.items()}


def days_of_slots(slots: Iterable[Row]) -> list[date]:
    """The project's days that slots may have rows of, by the clock of the export and as they were dated before."""
    found: set[date] = set()
    for slot in slots:
        found |= set(each_day(slot["first_day"] - FURTHEST, slot["last_day"] + FURTHEST))
    return sorted(filter(_is_day, found))


def exported_days(rows: Iterable[Row]) -> dict[date, datetime]:
    """When each day was exported last, from the log's ranges (`first_day` to `last_day`, both included)."""
    latest: dict[date, datetime] = {}
    for row in rows:
        first, last = as_day(row["first_day"]), as_day(row["last_day"])
        if first is None or last is None or row["exported_at"] is None or last - first > LONGEST_EXPORT:
            continue
        for day in each_day(first, last):
            latest[day] = max(latest.get(day, row["exported_at"]), row["exported_at"])
    return latest


def _changed(row: Row, exported_at: datetime | None) -> str:
    if modified := row.get("last_modified_time"):
        return f"last modified {modified.isoformat()}"
    return f"last exported {exported_at.isoformat()}" if exported_at else "last modified unknown"


def _is_day(day: date | None) -> bool:
    return day is not None and FIRST_DAY <= day <= LAST_DAY


def _partition(row: Row) -> date | None:
    """The day of a partition; None for rows without one, and for those that BigQuery has not sorted in yet."""
    if not re.fullmatch(r"\d{8}", row["partition_id"] or ""):
        return None
    return datetime.strptime(row["partition_id"], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone


def _days_of(partition: date, partitioned_by: str, settings: Settings) -> list[date]:
    """The project's days that a partition's rows may belong to: more than one where it is a day of UTC. Most hours come first."""
    if partitioned_by.lower() != settings.columns.time.lower() or settings.project_timezone == "UTC":
        return [partition]
    start = datetime.combine(partition, datetime.min.time(), tzinfo=UTC)
    within = (start + timedelta(hours=12), start, start + timedelta(days=1) - timedelta(microseconds=1))
    return list(dict.fromkeys(instant.astimezone(settings.zone).date() for instant in within))
