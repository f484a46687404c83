"""The table that the figures suites judge: one row per staged day.

Columns: `partition_date` (text, YYYY-MM-DD); every count of `mixflows.model.Figures`; every rate of
`mixflows.rates.Rates` and figure of `mixflows.profile.drift.Drift`, NULL where it cannot be judged; `usual_rows` (NULL
without enough history); and
  duplicate_rate_left  duplicate_rate, as far as conflicting_duplicate_rate does not tell of it: see `_duplicates_left`
  unevenly_kept_keys   keys that are not kept exactly once
  unaccounted_rows     source rows that are neither kept nor rejected, or both
  source_deleted_rows  published copies that the source has deleted since
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from mixflows.ledger.profiles import DayProfile
from mixflows.model import Figures
from mixflows.profile.drift import Drift
from mixflows.rates import Rates
from mixflows.settings import Bounds, QualitySettings
from mixflows.text import counted

if TYPE_CHECKING:
    import pandas as pd

DAY = "partition_date"
DUPLICATES_LEFT = "duplicate_rate_left"


@dataclass(frozen=True)
class DayRow:
    """One day's row.

    Attributes:
        values: Figures by column name; None where a figure is unknown or cannot be judged.
        notes: Why a figure cannot be judged, or which names are behind it, by column name.
    """

    day: date
    values: Mapping[str, float | None]
    notes: Mapping[str, str]

    @classmethod
    def of(cls, told: DayProfile, drift: Drift, quality: QualitySettings) -> "DayRow":
        """Computes a day's row.

        Args:
            told: Its counts, and what its volume is held against.
            drift: Its profile, held against the days before.
            quality: Rates are judged from its `min_rows` source rows on; the volume also where the usual rows are as many.
        """
        figures, usual_rows = told.figures, told.usual_rows
        rates = asdict(Rates.of(figures, usual_rows))
        rates |= {name: getattr(drift, name) for name in Drift.names()}
        rates[DUPLICATES_LEFT], alike = _duplicates_left(figures, quality)
        notes = _notes(figures.source_rows, usual_rows, quality.min_rows)
        unknown = dict.fromkeys((name for name, rate in rates.items() if rate is None), "not judged: not known here")
        counts = {
            "unevenly_kept_keys": max(figures.kept_twice_keys, abs(figures.kept_rows - figures.valid_keys)),
            "unaccounted_rows": abs(
                figures.source_rows + figures.retained_rows - figures.kept_rows - figures.rejected_rows
            ),
            "source_deleted_rows": told.source_deleted_rows,
        }
        judged = {name: None if name in notes else rate for name, rate in rates.items()}
        values = {**asdict(figures), **counts, "usual_rows": usual_rows, **judged}
        return cls(told.day, values, {**unknown, **drift.notes, **alike, **notes})


def table(rows: Sequence[DayRow]) -> "pd.DataFrame":
    """The rows as a table; every figure is a float, so that NULL is NaN in every column alike."""
    import pandas as pd

    days = pd.Series([row.day.isoformat() for row in rows], name=DAY, dtype=object)
    return pd.concat([days, pd.DataFrame([dict(row.values) for row in rows], dtype=float)], axis=1)


def _duplicates_left(figures: Figures, quality: QualitySettings) -> tuple[float | None, dict[str, str]]:
    """One fault, one name: copies of other content are not counted where they fail a bound of their own that is as grave.

    A day that fails `duplicate_rate` by all its copies so fails one of the two, as gravely.
    """
    rates = Rates.of(figures)
    every, conflicting = rates.duplicate_rate, rates.conflicting_duplicate_rate
    if every is None or conflicting is None:
        return every, {}
    grave = _gravity(every, quality.duplicate_rate)
    if not grave or _gravity(conflicting, quality.bounds("conflicting_duplicate_rate")) < grave:
        return every, {}
    left = (figures.duplicate_rows - figures.conflicting_duplicate_rows) / figures.source_rows
    return left, {"conflicting_duplicate_rate": f"without them, duplicate_rate is {left:.3%}"}


def _gravity(rate: float, bounds: Bounds) -> int:
    passed = (bounds.warning, bounds.critical)
    return max((place for place, bound in enumerate(passed, 1) if bound is not None and rate > bound), default=0)


def _notes(source_rows: int, usual_rows: float | None, min_rows: int) -> dict[str, str]:
    *shares, volume = Rates.names()
    shares += [*Drift.names(), DUPLICATES_LEFT]
    notes: dict[str, str] = {}
    if source_rows == 0 or source_rows < min_rows:
        why = f"{counted(source_rows, 'row')}, fewer than min_rows {min_rows:,}" if source_rows else "no rows"
        notes |= dict.fromkeys(shares, f"not judged: {why}")
    if usual_rows is None:
        notes[volume] = "not judged: fewer than 7 days of history"
    elif max(source_rows, usual_rows) < min_rows:
        notes[volume] = (
            f"not judged: {counted(source_rows, 'row')}, usually {usual_rows:,.10g}, fewer than min_rows {min_rows:,}"
        )
    return notes
