"""An event's story: every copy of an insert id, where it arrived, which won and why, in which run."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Any

from mixflows.days import FIRST_DAY, LAST_DAY
from mixflows.ledger.runs import DayState, day_states
from mixflows.model import Status
from mixflows.settings import Settings
from mixflows.warehouse.base import Billing, Params, Warehouse
from mixflows.warehouse.source import DUPLICATE, Source

KEPT, REJECTED, WAITING = "mp_events", "mp_rejected_events", "source only"

Row = Mapping[str, Any]
SAME_ROW = itemgetter("partition_date", "event_name", "distinct_id", "event_time", "arrival", "source_file")


@dataclass(frozen=True)
class CopyStory:
    """One copy.

    Attributes:
        place: Where it is: among the events, among the rejected, or only in the source.
        arrived_at: When Mixpanel received it, or it was landed; None where that is not known.
        source_file: The file that it was landed from; empty where the source does not tell.
        run_id: The run that first rejected it, or that published the day of an event last; empty for a copy that is only in
            the source.
        day_status: How the run that took its day last ended it; empty before the first.
        day_run_id: That run, which may have found the day unchanged, or blocked it.
        why: In words.
    """

    day: date | None
    event: str
    time: datetime | None
    arrived_at: datetime | None
    source_file: str
    place: str
    reason: str
    exact: bool | None
    rejected_at: datetime | None
    run_id: str
    day_status: str
    day_run_id: str
    why: str


def story(
    warehouse: Warehouse, settings: Settings, insert_id: str, days: Sequence[date] = (), distinct_id: str = ""
) -> list[CopyStory]:
    """Every copy with an insert id, by day, time and place.

    Args:
        insert_id: As Mixpanel has it.
        days: Where it is searched; by default in all published days, and in the source of those that are not published, or
            no longer what they were published from.
        distinct_id: Who did it, which BigQuery finds without reading whole days; everybody by default.

    Returns:
        One entry per copy; empty where there is none.

    Raises:
        UsageError: A search in all days is dear; the price is told.
    """
    states = day_states(warehouse)
    searched = list(days or _days_to_search(warehouse, states))
    value = {"insert_id": insert_id, "distinct_id": distinct_id}
    bounds = {"first_day": min(days, default=FIRST_DAY), "last_day": max(days, default=LAST_DAY)}
    if isinstance(warehouse, Billing) and not days:
        queries: list[tuple[str, Params, Sequence[date]]] = [("story_source", value, searched)] if searched else []
        # A dry run does not know how much of the clusters a search leaves out.
        if not (distinct_id and _is_clustered_by_who(warehouse.source())):
            queries.append(("story_published", value | bounds, ()))
        hint = "Name the day: --day DAY, or who did it: --distinct-id ID."
        warehouse.refuse_full_scan("a search in every day reads", hint, queries)
    published = warehouse.query("story_published", value | bounds)
    delivered: Sequence[Row] = warehouse.query("story_source", value, searched) if searched else ()
    key = _key(warehouse.source())
    copies = Counter(key(row) for row in published)
    rows = sorted([*published, *_not_published(delivered, published, key)], key=_order)
    only = f"the only published copy of its key{' with this distinct id' if distinct_id else ''}"
    return [
        _told(row, settings, states.get(row["partition_date"]), only if copies[key(row)] == 1 else "") for row in rows
    ]


def _days_to_search(warehouse: Warehouse, states: Mapping[date, DayState]) -> Iterator[date]:
    for day in warehouse.source_days()[0]:
        state = states.get(day.day)
        # Without a version, nobody knows whether more came.
        if state is None or not state.is_published or day.version is None or day.version != state.published_version:
            yield day.day


def _is_clustered_by_who(source: Source) -> bool:
    return source.cluster_by[0] == source.distinct_id.name and source.distinct_id.type == "STRING"


def _key(source: Source) -> Callable[[Row], Hashable]:
    """What is a row's key among the copies of one insert id."""
    roles = (("event_name", source.event_name), ("distinct_id", source.distinct_id), ("event_time", source.time))
    names = {column.name: role for role, column in roles}
    return itemgetter("partition_date", *(names[part.name] for part in source.key if part.name in names))


def _not_published(delivered: Sequence[Row], published: Sequence[Row], key: Callable[[Row], Hashable]) -> Sequence[Row]:
    """The delivered copies that are one too many for the published ones of their key and arrival."""
    others = _beyond(published, delivered, SAME_ROW)
    return _beyond(_beyond(delivered, published, SAME_ROW), others, lambda row: (key(row), row["arrival"]))


def _beyond(rows: Sequence[Row], others: Sequence[Row], same: Callable[[Row], Hashable]) -> Sequence[Row]:
    """The rows that are left when each of the others takes one that is the same away."""
    taken = Counter(map(same, others))
    left: list[Row] = []
    for row in rows:
        if taken[same(row)]:
            taken[same(row)] -= 1
        else:
            left.append(row)
    return left


def _order(row: Row) -> tuple[date, float, str, int]:
    time = _utc(row["event_time"])
    return row["partition_date"], time.timestamp() if time else 0.0, row["place"], row["row_num"] or 0


def _told(row: Row, settings: Settings, state: DayState | None, only: str) -> CopyStory:
    place = str(row["place"])
    publisher = state.published_by if state and place == KEPT else None
    return CopyStory(
        day=row["partition_date"],
        event=str(row["event_name"] or ""),
        time=_utc(row["event_time"]),
        arrived_at=_utc(row["arrival"]),
        source_file=str(row["source_file"] or ""),
        place=place,
        reason=str(row["rejection_reason"] or ""),
        exact=row["is_exact_copy"],
        rejected_at=_utc(row["rejection_timestamp"]),
        run_id=str(row["run_id"] or publisher or ""),
        day_status=state.status.value if state else "",
        day_run_id=state.run_id if state else "",
        why=_why_waiting(state) if place == WAITING else _why(row, settings, only),
    )


def _why_waiting(state: DayState | None) -> str:
    if state is None or not state.is_published:
        return "its day is not published"
    since = {
        Status.BLOCKED: f"is blocked by run {state.run_id[:8]}",
        Status.FAILED: f"failed in run {state.run_id[:8]}",
    }
    return f"its day was published without it, and {since.get(state.status, 'no run has taken it since')}"


def _why(row: Row, settings: Settings, only: str) -> str:
    if row["place"] == KEPT:
        if only:
            return only
        order = (
            "content" if settings.columns.loaded_at is None else "their landing, the latest first, and then by content"
        )
        return f"won: the {settings.pipeline.keep} arrival of its key; copies that arrived together are told apart by {order}"
    if row["rejection_reason"] != DUPLICATE:
        return f"rejected: {row['rejection_reason']}"
    content = {True: "the winner's content", False: "other content than the winner", None: "unknown content"}
    return f"lost: copy {row['row_num']} of its key, with {content[row['is_exact_copy']]}"


def _utc(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
