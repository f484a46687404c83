"""Reads the report's figures: ledger, quality results, landing log, and counts of the published tables.

Only counts, dates, names and the words of the ledger are read; never an event's properties or a user's id.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from mixflows.costs.billed import read_costs
from mixflows.days import last_complete_day
from mixflows.errors import MissingTableError, OutdatedTableError, SourceColumnsError, WarehouseError
from mixflows.ledger.profiles import DayProfile, read_profiles
from mixflows.model import Status
from mixflows.pipeline.inspect import rejected_sql
from mixflows.pipeline.totals import read_totals
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.samples import Sample
from mixflows.report.ages import ages
from mixflows.report.answer import rate_before
from mixflows.report.figures import (
    ANY_DAY,
    DayFigures,
    DayFinding,
    DayState,
    LandingFigures,
    PastRun,
    PublishedFigures,
    ReportData,
    RunFigures,
)
from mixflows.report.insights import insights
from mixflows.settings import Settings
from mixflows.warehouse.base import Params, Warehouse

T = TypeVar("T")
Row = Mapping[str, Any]
RowsByDay = Mapping[date, list[dict[str, Any]]]

WITH_SQL = 31
"""Blocked and failed days whose statement travels with the page, the latest ones; `inspect` prints that of any."""


@dataclass(frozen=True)
class _Found:
    """What the other tables say of the ledger's days."""

    findings: RowsByDay
    published: Mapping[date, tuple[int, int]]
    reasons: Mapping[date, Mapping[str, int]]
    landed_at: Mapping[date, datetime]
    history: RowsByDay
    profiles: Mapping[date, DayProfile]


def collect(warehouse: Warehouse, settings: Settings, since: datetime | None = None) -> ReportData:
    """Reads what the report shows, as the warehouse has it now.

    Args:
        warehouse: An open warehouse. A table that is not there yet counts as empty.
        settings: Name the thresholds that are in force and the warehouse.
        since: What changed since then is told first.

    Returns:
        One entry per day that was landed or taken by a run, ascending; the last 20 runs; totals of the landing log.

    Raises:
        WarehouseError: A statement failed.
    """
    ledger = _rows(warehouse, "report_days")
    # The published tables come with the first published day.
    is_published = any(row["published_at"] is not None for row in ledger)
    published = _unless_missing(warehouse.published_rows, {}) if is_published else {}
    profiles = _unless_missing(lambda: read_profiles(warehouse), {})
    fetched = _unless_missing(lambda: warehouse.query("report_fetched"), [], OutdatedTableError)
    landed = {row["partition_date"]: row for row in _rows(warehouse, "report_landed_days")}
    found = _Found(
        findings=_by_day(_rows(warehouse, "report_findings", {"failed_only": False})),
        published=published,
        reasons=_reasons(warehouse, published, profiles),
        landed_at={day: row["last_landed_at"] for day, row in landed.items()},
        history=_by_day(_rows(warehouse, "report_history")),
        profiles=profiles,
    )
    taken = {row["partition_date"]: _day(row, found) for row in ledger}
    taken |= {
        day.day: replace(day, held_back_sql=_sql(warehouse, day.day, is_held_back=True)) for day in _held_back(taken)
    }
    waiting = {
        day: DayFigures(day, DayState.WAITING, source_rows=int(row["source_rows"]), changed_since=True)
        for day, row in landed.items()
        if day not in taken
    }
    return ReportData(
        made_at=datetime.now(UTC),
        project_timezone=settings.project_timezone,
        warehouse=Path(settings.warehouse_name).name,
        duplicate_rate=settings.quality.duplicate_rate,
        min_rows=settings.quality.min_rows,
        days=tuple(figures for _, figures in sorted((taken | waiting).items())),
        runs=tuple(_run(row) for row in _rows(warehouse, "report_runs")),
        landings=_landings(_rows(warehouse, "report_landings")),
        costs=read_costs(warehouse, settings) if ledger else None,
        insights=insights(found.profiles, settings),
        since=since,
        shown_properties=settings.quality.shown_properties,
        expected_day=last_complete_day(datetime.now(UTC), settings.zone),
        totals=_unless_missing(lambda: read_totals(warehouse, settings), None, SourceColumnsError),
        rejected_sql=_sql(warehouse, ANY_DAY, is_held_back=False),
        config=settings.file,
        ages=ages(fetched, settings.fetch.again_after_days, settings.export_zone),
        prefect_ui=settings.report.prefect_ui.rstrip("/") if settings.report.prefect_ui else None,
    )


def to_json(data: ReportData) -> str:
    """The report's figures for programs and notebooks.

    Returns:
        One JSON object with the fields of `ReportData`, nested likewise, and `changed`: what the page tells first. Days and
        instants are in ISO 8601, in UTC.
    """
    from pydantic_core import to_json as written

    changed = [
        {
            "day": day.day,
            "state": day.state,
            "plan_reason": day.plan_reason,
            "finished_at": day.finished_at,
            "duplicate_rate_before": rate_before(day),
            "duplicate_rate": day.duplicate_rate,
        }
        for day in data.changed
    ]
    return written({**vars(data), "changed": changed}, inf_nan_mode="null").decode()


def _unless_missing(read: Callable[[], T], otherwise: T, *also: type[WarehouseError]) -> T:
    """What is read; something else where a table is not there yet, as before `init` and the first landing, or for other errors."""
    try:
        return read()
    except (MissingTableError, *also):
        return otherwise


def _rows(warehouse: Warehouse, name: str, params: Params | None = None) -> list[dict[str, Any]]:
    return _unless_missing(lambda: warehouse.query(name, params), [])


def _held_back(taken: Mapping[date, DayFigures]) -> list[DayFigures]:
    found = [day for day in taken.values() if day.state in (DayState.BLOCKED, DayState.FAILED)]
    return sorted(found, key=lambda day: day.day)[-WITH_SQL:]


def _sql(warehouse: Warehouse, day: date, *, is_held_back: bool) -> str:
    return _unless_missing(lambda: rejected_sql(warehouse, day, is_held_back=is_held_back), "", SourceColumnsError)


def _reasons(
    warehouse: Warehouse, published: Mapping[date, tuple[int, int]], profiles: Mapping[date, DayProfile]
) -> Mapping[date, Mapping[str, int]]:
    """Rejected copies by reason: as the day was staged last, and only of days that hold others now, counted."""
    found = {day: told.profile.reasons for day, told in profiles.items()}
    others = [day for day, (_, rejected) in published.items() if rejected != sum(found.get(day, {}).values())]
    if others:
        counted: dict[date, dict[str, int]] = {day: {} for day in others}
        for row in warehouse.query("report_rejected", {"first_day": min(others), "last_day": max(others)}):
            if (day := row["partition_date"]) in counted:
                counted[day][row["rejection_reason"]] = row["rejected_rows"]
        found |= counted
    return {day: found.get(day, {}) for day in published}


def _by_day(rows: list[dict[str, Any]]) -> dict[date, list[dict[str, Any]]]:
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_day[row["partition_date"]].append(row)
    return by_day


def _day(row: Row, found: _Found) -> DayFigures:
    day = row["partition_date"]
    status = Status(row["status"])
    findings = tuple(DayFinding.of_row(f) for f in found.findings.get(day, ()))
    rejected = tuple(found.reasons.get(day, {}).items())
    landed_at = found.landed_at.get(day)
    profile = found.profiles.get(day)
    return DayFigures(
        day=day,
        state=_state(status, findings),
        status=status,
        plan_reason=row["plan_reason"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        finished_at=_utc(row["finished_at"]),
        source_rows=row["source_rows"],
        duplicate_rows=row["duplicate_rows"],
        duplicate_rate=row["duplicate_rate"],
        late_rows=row["late_rows"],
        published=_published(row, found),
        changed_since=landed_at is not None and landed_at > row["started_at"],
        rejected_by_reason=rejected,
        findings=findings,
        note=row["note"] or "",
        error=row["error"] or "",
        acknowledged=row["acknowledged"] or "",
        seconds=row["work_seconds"],
        history=tuple(_past_run(past) for past in found.history.get(day, ())),
        rejected_by_key=profile.profile.rejected_by_key if profile else (),
        kept_by_key=profile.kept_by_key if profile else (),
        samples=tuple(Sample.of_record(record) for record in profile.samples) if profile else (),
        breakdown=(profile.breakdown or Breakdown.of_profile(profile.profile)) if profile else None,
    )


def _past_run(row: Row) -> PastRun:
    return PastRun(
        run_id=row["run_id"],
        finished_at=_utc(row["finished_at"]),
        status=Status(row["status"]),
        plan_reason=row["plan_reason"],
        source_rows=row["source_rows"],
        rejected_rows=row["rejected_rows"],
        late_rows=row["late_rows"],
        duplicate_rate=row["duplicate_rate"],
        note=row["error"] or row["note"] or "",
    )


def _state(status: Status, findings: tuple[DayFinding, ...]) -> DayState:
    if status in (Status.BLOCKED, Status.FAILED):
        return DayState(status.value)
    return DayState.PUBLISHED if all(f.success for f in findings) else DayState.WARNED


def _published(row: Row, found: _Found) -> PublishedFigures | None:
    if row["published_at"] is None:
        return None
    kept_rows, rejected_rows = found.published.get(row["partition_date"], (0, 0))
    return PublishedFigures(
        source_rows=row["published_source_rows"],
        kept_rows=kept_rows,
        rejected_rows=rejected_rows,
        left_out_rows=row["published_retained_rows"],
        finished_at=_utc(row["published_at"]),
    )


def _run(row: Row) -> RunFigures:
    started_at, finished_at = _utc(row["started_at"]), _utc(row["finished_at"])
    told: dict[str, Any] = {**row, "started_at": started_at, "finished_at": finished_at}
    return RunFigures(**told, seconds=(finished_at - started_at).total_seconds())


def _landings(rows: list[dict[str, Any]]) -> LandingFigures:
    if not rows or not rows[0]["files"]:
        return LandingFigures()
    told: dict[str, Any] = {**rows[0], "last_landed_at": _utc(rows[0]["last_landed_at"])}
    return LandingFigures(**told)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
