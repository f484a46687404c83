"""Which days a run processes, and why. Decided on row counts and versions alone; no event is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

from mixflows.days import DayRange
from mixflows.errors import RulesChangedError, UsageError
from mixflows.ledger.runs import DayState, day_states
from mixflows.model import Mode, Plan, PlannedDay, PlanReason, PublishedCounts, SourceDay, Status
from mixflows.pipeline.dates import date_anew
from mixflows.profile.drift import PAST_AT_LEAST, PAST_DAYS, Drift
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.base import Warehouse

WEEKS = 8
WEEKS_AT_LEAST = 4
CHANGES = (PlanReason.CHANGED, PlanReason.RULES_CHANGED, PlanReason.LOOKBACK, PlanReason.MISSING)
GONE = "gone from the source"
"""Source version of a published day of which the source has no row any more."""


@dataclass(frozen=True)
class PlanRequest:
    """What a run was asked for.

    Attributes:
        mode: Which days to take.
        days: The range, both ends included.
        accept_rules: Whether published days may be judged again by other rules.
        newest_first: Whether the latest day comes first.
        check_rows: Whether Great Expectations reads the staged rows themselves.
        retry_of: The run that this one is a further attempt of: it takes what that run did not publish, so days that
            it blocked are asked for again, and days that it published are done.
    """

    mode: Mode = Mode.DUE
    days: DayRange = field(default_factory=DayRange)
    accept_rules: bool = False
    newest_first: bool = False
    check_rows: bool = False
    retry_of: str | None = None


def make_plan(warehouse: Warehouse, settings: Settings, request: PlanRequest, *, only_reads: bool = False) -> Plan:
    """Reads the source's days and the ledger, and plans.

    Args:
        warehouse: An open warehouse.
        settings: The rules.
        request: What is asked for.
        only_reads: Whether nothing is written; else tables and columns that are missing are made first, and rows that were dated
            in another time zone move to their days.

    Raises:
        MissingTableError: There is no source yet, or a table is missing and nothing may be written.
        SourceColumnsError: The source lacks a column, or the type of one changed; nothing was written.
        RulesChangedError: Published days in the range were judged by other rules, and that was not accepted.
        UsageError: The latest day is to come first, and days are blocked by how they differ from those before.
    """
    _refuse_newest_first(settings, request)
    if not only_reads:
        warehouse.create_tables()
    columns = warehouse.source().columns_version
    states = day_states(warehouse)
    if not only_reads:
        date_anew(warehouse, settings, states, accept_rules=request.accept_rules)
    source, without_day = warehouse.source_days()
    days = plan_days(source, states, warehouse.published_rows(), settings, request, columns)
    return Plan(days, request.check_rows, without_day, _nothing(source, states, request.days), request.days)


def _refuse_newest_first(settings: Settings, request: PlanRequest) -> None:
    blocking = [name for name in Drift.compared() if settings.quality.bounds(name).critical is not None]
    if request.newest_first and blocking:
        raise UsageError(
            f"the newest days cannot come first while quality.{blocking[0]}.critical blocks days by the days before them",
            "Leave --newest-first out, or switch the bound off.",
        )


def plan_days(
    source: Sequence[SourceDay],
    states: Mapping[date, DayState],
    published: Mapping[date, tuple[int, int]],
    settings: Settings,
    request: PlanRequest,
    columns_version: str = "",
) -> tuple[PlannedDay, ...]:
    """The days to process, in order, each with its reason. Pure: the same input gives the same plan.

    Args:
        source: The source's days.
        states: What the ledger says of each day.
        published: Events and rejected copies that the published tables have of each day.
        settings: The rules.
        request: What the run was asked for.
        columns_version: A hash of the source's columns.

    Raises:
        RulesChangedError: See `make_plan`.
    """
    rows = {day.day: day.rows for day in source}
    vanished = {day for day, state in states.items() if day not in rows and state.is_published}
    gone = [SourceDay(day, 0, GONE) for day in vanished - expired_days(source, states, settings)]
    candidates = sorted((d for d in [*source, *gone] if d.day in request.days), key=lambda d: d.day)
    _refuse_other_rules(candidates, states, settings, request)
    last = max((d.day for d in candidates), default=None)
    planned: list[PlannedDay] = []
    for day in candidates:
        state = states.get(day.day)
        reason = _due_reason(day, state, published.get(day.day, (0, 0)), settings, last)
        if state is not None and state.run_id == request.retry_of:
            reason = reason or (PlanReason.REQUESTED if state.status is Status.BLOCKED else None)
        else:
            reason = _taken(reason, state, request.mode)
        if reason is not None:
            planned.append(
                PlannedDay(
                    day=day.day,
                    reason=reason,
                    source_rows=day.rows,
                    source_version=day.version,
                    published_version=state.published_version if state else None,
                    usual_rows=_usual_rows(day.day, rows),
                    recorded=_recorded(state, settings, columns_version),
                    retained_rows=state.retained_rows if state else 0,
                    is_exact=day.is_exact,
                    share=day.share,
                    read_at=day.read_at,
                    acknowledged=state.acknowledgement if state else None,
                    new_rows=day.rows - _published_from(state),
                )
            )
    return tuple(reversed(planned)) if request.newest_first else tuple(planned)


def expired_days(source: Sequence[SourceDay], states: Mapping[date, DayState], settings: Settings) -> frozenset[date]:
    """Published days of which the source has no row any more because it keeps no days as old: they stay as they are.

    Their age counts from the source's last day, so that the same source gives the same plan.
    """
    keeps = settings.pipeline.source_keeps_days
    if keeps is None or not source:
        return frozenset()
    known = {day.day for day in source}
    oldest = max(known) - timedelta(days=keeps - 1)
    return frozenset(day for day, state in states.items() if state.is_published and day <= oldest and day not in known)


def _nothing(source: Sequence[SourceDay], states: Mapping[date, DayState], asked: DayRange) -> str:
    """Why a range has no day: there is none in the source, and none was processed."""
    if any(day in asked for day in (*states, *(d.day for d in source))):
        return ""
    if not source:
        return "the source has no day yet"
    first, last = min(d.day for d in source), max(d.day for d in source)
    return f"the source has no day in the range {asked}; its days are {first} to {last}"


def _refuse_other_rules(
    candidates: Sequence[SourceDay], states: Mapping[date, DayState], settings: Settings, request: PlanRequest
) -> None:
    other = [
        d.day
        for d in candidates
        if (s := states.get(d.day)) is not None and s.is_published and s.published_rules != settings.rules_version
    ]
    if other and not request.accept_rules:
        raise RulesChangedError(
            "the settings now name other rules (key, keep, missing_insert_id, future_tolerance_seconds, project_timezone, [columns],"
            f" or the names of the published tables) than those of {counted(len(other), 'published day')}, {other[0]} to {other[-1]}",
            "Run again with --accept-rules to reprocess them, or change the settings back.",
        )


def _published_from(state: DayState | None) -> int:
    """Source rows that a day was published from last."""
    if state is None or not state.is_published:
        return 0
    return (state.event_rows or 0) + (state.rejected_rows or 0) - state.retained_rows


def _recorded(state: DayState | None, settings: Settings, columns_version: str) -> PublishedCounts | None:
    if state is None or state.status not in (Status.PUBLISHED, Status.UNCHANGED) or state.event_rows is None:
        return None
    if (state.published_rules, state.source_columns) != (settings.rules_version, columns_version):
        return None
    return PublishedCounts(state.event_rows, state.rejected_rows or 0)


def _due_reason(
    day: SourceDay, state: DayState | None, published: tuple[int, int], settings: Settings, last: date | None
) -> PlanReason | None:
    if state is None:
        return PlanReason.NEW
    if state.status is Status.FAILED:
        return PlanReason.FAILED
    if state.status is Status.BLOCKED:
        return _due_blocked_reason(day, state, settings)
    if state.published_rules != settings.rules_version:
        return PlanReason.RULES_CHANGED
    if published != (state.event_rows, state.rejected_rows):
        return PlanReason.MISSING
    if day.version is None:
        # Without a signal of change, the last days are looked at again every time.
        recent = last is not None and day.day > last - timedelta(days=settings.pipeline.lookback_days)
        return PlanReason.LOOKBACK if recent else None
    return PlanReason.CHANGED if day.version != state.published_version else None


def _due_blocked_reason(day: SourceDay, state: DayState, settings: Settings) -> PlanReason | None:
    if day.version != state.source_version:
        return PlanReason.CHANGED
    if state.rules_version != settings.rules_version:
        return PlanReason.RULES_CHANGED
    return PlanReason.THRESHOLDS_CHANGED if state.thresholds_version != settings.thresholds_version else None


def _taken(reason: PlanReason | None, state: DayState | None, mode: Mode) -> PlanReason | None:
    """The reason under which a mode takes the day, or None."""
    match mode:
        case Mode.ALL:
            return reason or PlanReason.REQUESTED
        case Mode.BLOCKED:
            blocked = state is not None and state.status is Status.BLOCKED
            return (reason or PlanReason.REQUESTED) if blocked else None
        case Mode.DUE:
            return reason
        case Mode.MISSING:
            return reason if state is None or not state.is_published else None
        case Mode.CHANGED:
            return reason if reason in CHANGES else None
        case Mode.FAILED:
            return reason if reason is PlanReason.FAILED else None


def _usual_rows(day: date, rows: Mapping[date, int]) -> float | None:
    """The median of the same weekday in the weeks before; of all days before, while too few of them are known."""
    alike = [rows[d] for n in range(1, WEEKS + 1) if (d := day - timedelta(weeks=n)) in rows]
    if len(alike) >= WEEKS_AT_LEAST:
        return float(median(alike))
    before = [rows[d] for n in range(1, PAST_DAYS + 1) if (d := day - timedelta(days=n)) in rows]
    return float(median(before)) if len(before) >= PAST_AT_LEAST else None
