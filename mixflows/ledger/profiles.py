"""A day's profile as it is stored, with what else the day was judged by; and how it is read again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Self

from mixflows.days import FIRST_DAY, LAST_DAY
from mixflows.model import Figures, StagedDay
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.drift import PAST_DAYS, Drift
from mixflows.profile.profile import ColumnProfile, Profile, Tally
from mixflows.rates import source_deleted_rows
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse
from mixflows.warehouse.source import identity_columns


@dataclass(frozen=True)
class DayProfile:
    """A profile with what else a day is judged by, as it is stored.

    Attributes:
        usual_rows: What the day's volume was held against; see `model.PlannedDay`.
        source_deleted_rows: Published copies that the source no longer had.
        samples: Rejected copies beside their winners; only of a day that an expectation flagged.
        breakdown: Where its rows come from; only of such a day.
    """

    day: date
    figures: Figures
    profile: Profile
    usual_rows: float | None = None
    source_deleted_rows: int = 0
    samples: tuple[Mapping[str, Any], ...] = ()
    run_id: str = ""
    breakdown: Breakdown | None = None

    @property
    def kept_by_key(self) -> tuple[int, ...]:
        """Copies that each of `profile.KEYS` would keep: those that are valid, without those that it would reject."""
        valid = self.profile.rows - self.figures.rejected_rows + self.figures.duplicate_rows
        return tuple(valid - rejected for rejected in self.profile.rejected_by_key)

    def to_json(self) -> str:
        """As it is stored: short names, zeros left out."""
        p = self.profile
        told: dict[str, Any] = {
            "figures": asdict(self.figures),
            "usual_rows": self.usual_rows,
            "source_deleted_rows": self.source_deleted_rows,
            "rows": p.rows,
            "lateness": p.lateness,
            "lags": p.lags,
            "hours": _written(p.hours),
            "events": _written(p.events),
            "origins": {name: _written(values) for name, values in p.origins.items()},
            "reasons": p.reasons,
            "rejected_by_key": p.rejected_by_key,
            "events_by_key": p.events_by_key,
            "columns": {name: [c.type, c.missing, c.size] for name, c in p.columns.items()},
            "types": p.types,
            "last_event_ms": p.last_event_ms,
            "samples": self.samples,
            "breakdown": self.breakdown and self.breakdown.to_record(),
        }
        return json.dumps({k: v for k, v in told.items() if v not in ({}, (), None)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, day: date, text: str, run_id: str = "") -> Self:
        """Reads what `to_json` wrote."""
        told: dict[str, Any] = json.loads(text)
        profile = Profile(
            rows=told["rows"],
            lateness={int(k): v for k, v in told.get("lateness", {}).items()},
            lags={int(k): v for k, v in told.get("lags", {}).items()},
            hours={int(k): Tally(*v) for k, v in told.get("hours", {}).items()},
            events={k: Tally(*v) for k, v in told.get("events", {}).items()},
            origins={
                name: {k: Tally(*v) for k, v in values.items()} for name, values in told.get("origins", {}).items()
            },
            reasons=told.get("reasons", {}),
            rejected_by_key=tuple(told.get("rejected_by_key", (0, 0, 0))),
            events_by_key={k: tuple(v) for k, v in told.get("events_by_key", {}).items()},
            columns={k: ColumnProfile(*v) for k, v in told.get("columns", {}).items()},
            types=told.get("types", {}),
            last_event_ms=told.get("last_event_ms"),
        )
        return cls(
            day,
            Figures(**told["figures"]),
            profile,
            told.get("usual_rows"),
            told.get("source_deleted_rows", 0),
            tuple(told.get("samples", ())),
            run_id,
            Breakdown.of_record(told["breakdown"]) if "breakdown" in told else None,
        )


def _written(tallies: Mapping[Any, Tally]) -> dict[Any, list[int]]:
    return {k: [t.rows, t.duplicates, t.conflicting] if t.duplicates else [t.rows] for k, t in tallies.items()}


def read_profiles(warehouse: Warehouse, first: date = FIRST_DAY, last: date = LAST_DAY) -> dict[date, DayProfile]:
    """The latest profile of each day in a range, ascending."""
    rows = warehouse.query("profiles", {"first_day": first, "last_day": last})
    return {
        row["partition_date"]: DayProfile.from_json(row["partition_date"], row["profile"], row["run_id"])
        for row in rows
    }


def with_drift(warehouse: Warehouse, settings: Settings, staged: Sequence[StagedDay]) -> list[StagedDay]:
    """Staged days, each held against the days before it: those staged beside it, else as they were staged last."""
    if not staged:
        return []
    first, last = min(day.day for day in staged), max(day.day for day in staged)
    stored = read_profiles(warehouse, first - timedelta(days=PAST_DAYS), last)
    known = {day: told.profile for day, told in stored.items()} | {day.day: day.profile for day in staged}
    return [replace(day, drift=drift_of(day.day, day.figures, known, settings)) for day in staged]


def drift_of(day: date, figures: Figures, known: Mapping[date, Profile], settings: Settings) -> Drift:
    """One day against those of the 28 before it that are known and have rows."""
    before = [day - timedelta(days=n) for n in range(PAST_DAYS, 0, -1)]
    past = [known[d] for d in before if d in known and known[d].rows]
    return Drift.of(known[day], figures.future_rows, past, identity_columns(settings))


def day_profile(
    staged: StagedDay, samples: Sequence[Mapping[str, Any]] = (), breakdown: Breakdown | None = None
) -> DayProfile:
    """What is stored of a staged day."""
    return DayProfile(
        staged.day,
        staged.figures,
        staged.profile,
        staged.planned.usual_rows,
        source_deleted_rows(staged),
        tuple(samples),
        staged.run.run_id,
        breakdown,
    )
