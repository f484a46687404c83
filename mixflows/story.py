"""An event's story: every copy of an insert id, where it arrived, which won and why, in which run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from mixflows.ledger import day_states
from mixflows.model import Status
from mixflows.settings import Settings
from mixflows.warehouse.boundary import Warehouse

KEPT, REJECTED, WAITING = "mp_events", "mp_rejected_events", "source only"


@dataclass(frozen=True)
class CopyStory:
    """One copy.

    Attributes:
        place: Where it is: among the events, among the rejected, or only in the source.
        arrived_at: When Mixpanel received it, or it was landed; None where that is not known.
        run_id: The run that first rejected it, or that published the day of an event last.
        why: In words.
    """

    day: date | None
    event: str
    time: datetime | None
    arrived_at: datetime | None
    place: str
    reason: str
    exact: bool | None
    rejected_at: datetime | None
    run_id: str
    why: str


def story(warehouse: Warehouse, settings: Settings, insert_id: str, days: Sequence[date] = ()) -> list[CopyStory]:
    """Every copy with an insert id, by day, time and place; the published tables are searched whole, the source by day.

    Args:
        insert_id: As Mixpanel has it.
        days: Days whose source is searched besides, such as blocked ones; by default those that are not published.

    Returns:
        One entry per copy; empty where there is none.
    """
    states = day_states(warehouse)
    runs = {day: state.run_id for day, state in states.items() if state.status in (Status.PUBLISHED, Status.UNCHANGED)}
    published = list(warehouse.query("story_published", {"insert_id": insert_id}))
    if not days:
        source, _ = warehouse.source_days()
        days = [d.day for d in source if not (s := states.get(d.day)) or not s.is_published]
    waiting: list[Mapping[str, Any]] = []
    for day in days:
        waiting += warehouse.query("story_source", {"insert_id": insert_id, "day": day, **_bounds(day, settings)})
    seen = {row["partition_date"] for row in published}
    rows = [*published, *(row for row in waiting if row["partition_date"] not in seen)]
    return list(_told(rows, settings, runs))


def _bounds(day: date, settings: Settings) -> dict[str, datetime]:
    from mixflows.days import day_bounds

    start, end = day_bounds(day, settings.zone)
    return {"day_start": start, "day_end": end}


def _told(rows: Sequence[Mapping[str, Any]], settings: Settings, runs: Mapping[date, str]) -> Iterator[CopyStory]:
    copies = {
        day: sum(1 for row in rows if row["partition_date"] == day) for day in {r["partition_date"] for r in rows}
    }
    for row in rows:
        place = str(row["place"])
        yield CopyStory(
            day=row["partition_date"],
            event=str(row["event_name"] or ""),
            time=_utc(row["event_time"]),
            arrived_at=_arrival(row["arrival"]),
            place=place,
            reason=str(row["rejection_reason"] or ""),
            exact=row["is_exact_copy"],
            rejected_at=_utc(row["rejection_timestamp"]),
            run_id=str(row["run_id"] or runs.get(row["partition_date"], "")),
            why=_why(place, row, settings, copies[row["partition_date"]]),
        )


def _why(place: str, row: Mapping[str, Any], settings: Settings, copies: int) -> str:
    if place == WAITING:
        return "its day is not published"
    if place == KEPT:
        if copies == 1:
            return "the only copy"
        return f"won: the {settings.pipeline.keep} arrival of its key; copies that arrived together are told apart by content"
    if row["rejection_reason"] != "Duplicate event":
        return f"rejected: {row['rejection_reason']}"
    content = {True: "the winner's content", False: "other content than the winner", None: "unknown content"}
    return f"lost: copy {row['row_num']} of its key, with {content[row['is_exact_copy']]}"


def _arrival(value: object) -> datetime | None:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else _utc(value)


def _utc(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
