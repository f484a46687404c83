"""A staged day's figures as rates: what the thresholds in the settings are about."""

from dataclasses import dataclass, fields

from mixflows.model import Figures, StagedDay


@dataclass(frozen=True)
class Rates:
    """The rates of one day. Shares of the day's source rows, `volume_change` aside; None where it is unknown.

    Attributes:
        duplicate_rate: Valid copies beyond the first of each key.
        conflicting_duplicate_rate: Rejected copies whose content differs from their winner's.
        missing_insert_id_rate: Copies without insert id.
        future_event_rate: Copies whose event time is later than their own arrival by more than the tolerance.
        late_rate: Copies that arrived more than `lookback_days` after the day.
        volume_change: How many times more, or fewer, different rows than usual: 1 is the usual, 3 a third of it or thrice.
            No row counts as one row.
    """

    duplicate_rate: float | None
    conflicting_duplicate_rate: float | None
    missing_insert_id_rate: float | None
    future_event_rate: float | None
    late_rate: float | None
    volume_change: float | None

    @classmethod
    def of(cls, figures: Figures, usual_rows: float | None = None) -> "Rates":
        """Computes the rates.

        Args:
            figures: The day's counts.
            usual_rows: Median of the source rows of the days before; None where there are too few of them.
        """
        return cls(
            duplicate_rate=_share(figures.duplicate_rows, figures),
            conflicting_duplicate_rate=_share(figures.conflicting_duplicate_rows, figures),
            missing_insert_id_rate=_share(figures.missing_insert_id_rows, figures),
            future_event_rate=_share(figures.future_rows, figures),
            late_rate=_share(figures.late_rows, figures),
            volume_change=_factor(figures.source_rows - figures.duplicate_rows, usual_rows),
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The rates' names in order; each is a section `[quality.NAME]` of the settings."""
        return tuple(field.name for field in fields(cls))


def source_deleted_rows(staged: StagedDay) -> int:
    """Published copies that the source has deleted since.

    One too many of a copy that the source has may be damage, which publishing repairs; see `PlannedDay.surplus_is_damage`.
    """
    difference = staged.difference
    return difference.vanished_rows - (difference.surplus_rows if staged.planned.surplus_is_damage else 0)


def _share(rows: int, figures: Figures) -> float | None:
    return rows / figures.source_rows if figures.source_rows else None


def _factor(different_rows: int, usual_rows: float | None) -> float | None:
    if usual_rows is None:
        return None
    rows, usual = max(different_rows, 1), max(usual_rows, 1)
    return max(rows / usual, usual / rows)
