"""What the audit says of a day: what each expectation found, and whether the day may be published."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Self

from mixflows.text import counted, percent

SHARES = ("_rate", "identity_missing_change", "property_type_drift")
"""Ends of the names of figures that are shares, and are written in percent."""

INTEGRITY = frozenset({
    "kept_keys_unique", "no_null_key_parts", "kept_rows_in_day", "figures_add_up",
    "kept_insert_id_not_null", "kept_time_not_null", "kept_time_in_day", "kept_without_reason",
    "rejected_with_reason", "rejection_reason_known", "rows_audited",
})  # fmt: skip
"""Expectations that no one can release a day from: without them, an event could be published twice, or lost."""


class Severity(StrEnum):
    """What a failed expectation does: `critical` blocks the day, `warning` flags it."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One expectation's result on one day.

    Attributes:
        suite: `figures`, `rows`, or the reference of a user's own suite.
        observed_value: The figure, where it is one number.
        threshold: The bound, where there is one.
        unexpected_count: Rows that break a row expectation.
        note: Why it could not be judged, or what else a reader should know. Never row content.
    """

    suite: str
    expectation: str
    severity: Severity
    success: bool
    observed_value: float | None = None
    threshold: float | None = None
    unexpected_count: int | None = None
    note: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """Reads a row of the quality results."""
        return cls(
            suite=row["suite"],
            expectation=row["expectation"],
            severity=Severity(row["severity"]),
            success=row["success"],
            observed_value=row["observed_value"],
            threshold=row["threshold"],
            unexpected_count=row["unexpected_count"],
            note=row["note"] or "",
        )

    def __str__(self) -> str:
        if self.observed_value is None:
            return (
                f"{self.expectation}: {counted(self.unexpected_count, 'row')}"
                if self.unexpected_count
                else self.expectation
            )
        write = partial(percent, digits=".3g") if self.expectation.endswith(SHARES) else _figure
        bound = "" if self.threshold is None else f" (at most {write(self.threshold)})"
        return f"{self.expectation} {write(self.observed_value)}{bound}" + (f": {self.note}" if self.note else "")


def _figure(value: float) -> str:
    return f"{value:,.4g}" if value % 1 else f"{value:,.0f}"


@dataclass(frozen=True)
class Verdict:
    """What the audit says of one staged day."""

    findings: tuple[Finding, ...] = ()

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Failed critical expectations; any of them blocks the day."""
        return tuple(f for f in self.findings if not f.success and f.severity is Severity.CRITICAL)

    @property
    def broken_integrity(self) -> list[str]:
        """Failed expectations that no one can release the day from, sorted by name."""
        return sorted({finding.expectation for finding in self.failures} & INTEGRITY)

    @property
    def flags(self) -> bool:
        """Whether any expectation failed, whatever its severity."""
        return any(not finding.success for finding in self.findings)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Failed expectations that flag the day."""
        return tuple(f for f in self.findings if not f.success and f.severity is Severity.WARNING)


@dataclass(frozen=True)
class Acknowledgement:
    """A blocked day that a person lets stand: it holds for this source and for these failed expectations only.

    Attributes:
        failed_expectations: Their names, sorted, with commas between.
    """

    because: str
    source_version: str | None
    failed_expectations: str

    def covers(self, source_version: str | None, failed_expectations: str) -> bool:
        """Whether a day that is blocked so is still what the person saw."""
        return (self.source_version, self.failed_expectations) == (source_version, failed_expectations)
