"""The section `[quality]` of the settings: thresholds, and what is looked at."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from mixflows.settings.base import Bound, Frozen, Identifier, PropertyName

RowChecks = Literal["daily", "always", "never"]
LOOKED_AT = ("profiled_columns", "origins", "shown_properties")
"""Settings of the quality gate that decide what is seen of a day, and never whether it is blocked."""


class Bounds(Frozen):
    """Above `warning` the day is flagged, above `critical` it is blocked; `"none"` switches a bound off."""

    warning: Bound = None
    critical: Bound = None

    @model_validator(mode="after")
    def _ordered(self) -> "Bounds":
        if self.warning is not None and self.critical is not None and self.critical < self.warning:
            raise ValueError(f"critical ({self.critical}) is below warning ({self.warning})")
        return self


class QualitySettings(Frozen):
    """Thresholds of the expectations. Rates are shares of the day's source rows."""

    min_rows: int = Field(default=1000, ge=0)
    """Rates are judged from this many source rows on."""
    row_checks: RowChecks = "daily"
    """When Great Expectations reads the staged rows themselves: in `daily`, `always` (in backfills too), `never`."""
    duplicate_rate: Bounds = Bounds(warning=0.005, critical=0.01)
    conflicting_duplicate_rate: Bounds = Bounds(warning=0.001)
    """Copies with other content; without a critical bound, that of duplicate_rate holds for them."""
    missing_insert_id_rate: Bounds = Bounds(warning=0.001, critical=0.05)
    future_event_rate: Bounds = Bounds(warning=0.001, critical=0.05)
    late_rate: Bounds = Bounds(warning=0.05)
    volume_change: Bounds = Bounds(warning=1.75)
    """Factor, either way, against the median of the same weekday in the weeks before."""
    clock_ahead_rate: Bounds = Bounds(warning=0.01)
    """Copies whose event time is later than their own arrival, within the tolerance."""
    identity_missing_rate: Bounds = Bounds(warning=0.01)
    """Copies without distinct id."""
    silent_hours: Bounds = Bounds(warning=6)
    """Hours before the day's end in which nothing happened any more."""
    vanished_events: Bounds = Bounds(warning=0)
    """Event names that came every day, and do not come any more."""
    new_events: Bounds = Bounds(warning=3)
    """Event names that never came in the weeks before."""
    event_share_change: Bounds = Bounds(warning=3)
    """Factor, either way, of the event name whose share of the day moved most."""
    identity_missing_change: Bounds = Bounds(warning=0.1)
    """How much larger the share of rows without an identity is than usual."""
    property_type_drift: Bounds = Bounds(warning=0.2)
    """How much larger the share of rows without value is than usual, of the typed property where it grew most."""
    property_range_drift: Bounds = Bounds(warning=1)
    """Powers of ten by which the usual size of a property's numbers moved, of the property where it moved most."""
    time_shift_hours: Bounds = Bounds(warning=0.5)
    """By how many hours the earliest arrivals come later after their events than usual."""
    profiled_columns: tuple[Identifier, ...] = ()
    """Further columns of the source whose missing values and sizes are watched, besides those in landing.promote."""
    origins: tuple[PropertyName, ...] = ("mp_lib", "$os")
    """Properties that tell where duplicates come from."""
    shown_properties: tuple[PropertyName, ...] = ()
    """Properties whose values may be shown and stored; those of all others are masked."""
    own: dict[str, Bounds] = Field(default_factory=dict[str, Bounds])
    """Bounds for your own expectations, by a name of your choice."""
    figures_suites: tuple[str, ...] = ()
    """Your own suites on the day's figures, as `module:function`."""
    rows_suites: tuple[str, ...] = ()
    """Your own suites on the staged rows, as `module:function`."""

    @field_validator("figures_suites", "rows_suites")
    @classmethod
    def _is_reference(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
                raise ValueError(f"{name!r} is not of the form 'module:function'")
        return value

    def bounds(self, figure: str) -> Bounds:
        """The bounds that a figure is judged by.

        Copies with other content are duplicates: what blocks a day of these blocks a day of those, under their own name.
        """
        own: Bounds = getattr(self, figure)
        critical = self.duplicate_rate.critical
        if (
            figure != "conflicting_duplicate_rate"
            or own.critical is not None
            or own.warning is None
            or critical is None
        ):
            return own
        return Bounds(warning=min(own.warning, critical), critical=critical)
