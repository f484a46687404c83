"""Thresholds: what a suite is built from. Plain values from the settings, without Great Expectations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from mixflows.days import day_bounds
from mixflows.errors import SettingsError
from mixflows.profile.drift import Drift
from mixflows.rates import Rates
from mixflows.settings import Bounds, ColumnSettings, Settings
from mixflows.warehouse.source import KeyPart, key_parts

FIGURES, ROWS = "figures", "rows"
"""Our own suites, by their names in the results."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What a suite on the figures may ask of a day.

    Attributes:
        rates: The bounds of each figure, by its name in `mixflows.rates.Rates` and `mixflows.profile.drift.Drift`.
        own: The bounds of the user's own expectations, by the names in `[quality.own.NAME]`.
        min_rows: Rates are judged from this many source rows on.
        deletes_block: Whether a day is blocked when the source has deleted published copies.
    """

    rates: Mapping[str, Bounds]
    own: Mapping[str, Bounds]
    min_rows: int
    deletes_block: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The thresholds that the settings name."""
        quality = settings.quality
        return cls(
            rates={name: quality.bounds(name) for name in (*Rates.names(), *Drift.names())},
            own=dict(quality.own),
            min_rows=quality.min_rows,
            deletes_block=settings.pipeline.source_deletes in (None, "block"),
        )

    def own_bounds(self, name: str) -> Bounds:
        """The bounds that the settings give under `[quality.own.NAME]`.

        Raises:
            SettingsError: There is no such section.
        """
        if name not in self.own:
            known = ", ".join(sorted(self.own)) or "none"
            raise SettingsError(
                f"an expectation asks for the bounds {name!r}, which the settings do not have (they have: {known})",
                f"Add [quality.own.{name}] with warning, critical or both.",
            )
        return self.own[name]


@dataclass(frozen=True, kw_only=True)
class RowThresholds(Thresholds):
    """What a suite on the staged rows may ask of one day.

    Attributes:
        day: The staged day.
        day_start: Its first instant, UTC.
        day_end: The first instant after it, UTC.
        columns: The source's columns by their roles.
        key: The columns that make two rows copies of one event. NULLs of an optional part are equal to each other.
        insert_id_required: Whether a kept row must have an insert id; else rows without one are no copies.
    """

    day: date
    day_start: datetime
    day_end: datetime
    columns: ColumnSettings
    key: tuple[KeyPart, ...]
    insert_id_required: bool

    @classmethod
    def for_day(cls, settings: Settings, day: date) -> Self:
        """The thresholds that the settings name, for one day."""
        start, end = day_bounds(day, settings.zone)
        return cls(
            **vars(Thresholds.of(settings)),
            day=day,
            day_start=start,
            day_end=end,
            columns=settings.columns,
            key=key_parts(settings),
            insert_id_required=settings.pipeline.missing_insert_id == "reject",
        )
