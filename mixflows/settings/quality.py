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

    min_rows: int = Field(default=1000, ge=0, le=2**63 - 1)
    """Rates of days with fewer source rows are not judged."""
    row_checks: RowChecks = "daily"
    """When Great Expectations reads the staged rows themselves: in daily runs only, always (backfills too), or never."""
    duplicate_rate: Bounds = Bounds(warning=0.005, critical=0.01)
    """Copies beyond the first of each key."""
    conflicting_duplicate_rate: Bounds = Bounds(warning=0.001)
    """Of those, copies with different content. Without a critical bound of its own, that of `duplicate_rate` applies."""
    missing_insert_id_rate: Bounds = Bounds(warning=0.001, critical=0.05)
    """Copies without insert id."""
    future_event_rate: Bounds = Bounds(warning=0.001, critical=0.05)
    """Copies with an event time later than their arrival by more than `future_tolerance_seconds`."""
    late_rate: Bounds = Bounds(warning=0.05)
    """Copies that arrived more than `lookback_days` after their day."""
    volume_change: Bounds = Bounds(warning=1.75)
    """A factor, up or down, compared with the median of the same weekday in the weeks before."""
    clock_ahead_rate: Bounds = Bounds(warning=0.01)
    """Copies with an event time later than their arrival, within the tolerance."""
    identity_missing_rate: Bounds = Bounds(warning=0.01)
    """Copies without distinct id."""
    silent_hours: Bounds = Bounds(warning=6)
    """Hours by which the last event of the day comes earlier than usual."""
    vanished_events: Bounds = Bounds(warning=0)
    """Event names that came on every day before and are absent."""
    new_events: Bounds = Bounds(warning=3)
    """Event names that did not occur in the weeks before."""
    event_share_change: Bounds = Bounds(warning=3)
    """A factor, up or down, of the event name whose share of the day changed most."""
    identity_missing_change: Bounds = Bounds(warning=0.1)
    """Increase of the share of rows without an identity over the usual share."""
    property_type_drift: Bounds = Bounds(warning=0.2)
    """Increase of the share of rows without a value, for the typed property with the largest increase."""
    property_range_drift: Bounds = Bounds(warning=1)
    """Change in the usual size of a property's numbers, in powers of ten, for the property with the largest change."""
    time_shift_hours: Bounds = Bounds(warning=0.5)
    """Hours by which the delay of the earliest arrivals exceeds the usual delay."""
    profiled_columns: tuple[Identifier, ...] = ()
    """Source columns to profile for missing values and sizes, in addition to `landing.promote`."""
    origins: tuple[PropertyName, ...] = ("mp_lib", "$os")
    """Properties that tell where duplicates come from."""
    shown_properties: tuple[PropertyName, ...] = ("mp_lib", "$os")
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
