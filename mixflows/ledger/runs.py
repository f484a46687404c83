"""The ledger: one row per day, run and attempt, and what it says of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mixflows.model import DayOutcome, Status
from mixflows.verdict import Acknowledgement
from mixflows.warehouse.base import Row, Warehouse


@dataclass(frozen=True)
class DayState:
    """What the ledger says of one day.

    Attributes:
        status: How the day ended last.
        source_version: The source version of that row.
        published_version: The source version it was published from last, whatever came later; see `is_published`.
        run_id: The run of that row.
        published_by: The run that wrote the published day last; one that found it unchanged only where the ledger has no
            other. None where it is not published.
        source_columns: A hash of the source's columns when it was published last.
        event_rows: What `mp_events` held of the day when it was published last.
        rejected_rows: What `mp_rejected_events` held of it.
        retained_rows: Those of both that the source no longer had then.
        failed_expectations: What blocked it last, as the ledger has it.
        acknowledged: Why a person lets it stand; empty where nobody does.
    """

    day: date
    status: Status
    source_version: str | None
    rules_version: str
    thresholds_version: str
    is_published: bool
    published_version: str | None
    published_rules: str | None
    run_id: str = ""
    published_by: str | None = None
    source_columns: str | None = None
    event_rows: int | None = None
    rejected_rows: int | None = None
    retained_rows: int = 0
    failed_expectations: str = ""
    acknowledged: str = ""

    @property
    def acknowledgement(self) -> Acknowledgement | None:
        """What a person lets stand, if somebody does."""
        if not self.acknowledged:
            return None
        return Acknowledgement(self.acknowledged, self.source_version, self.failed_expectations)


def day_states(warehouse: Warehouse) -> dict[date, DayState]:
    """The state of every day in the ledger."""
    rows = warehouse.query("ledger_days")
    for row in rows:
        row["status"] = Status(row["status"])
    return {row["day"]: DayState(**row) for row in rows}


def record(warehouse: Warehouse, outcomes: Sequence[DayOutcome]) -> None:
    """Writes the ledger rows, quality results and profiles of days; the last thing that happens to them."""
    quality: list[Row] = []
    profiles: list[Row] = []
    for outcome in outcomes:
        row = outcome.row
        head: Row = {"run_id": row.run_id, "attempt": row.attempt, "partition_date": row.partition_date}
        quality += [{**head, **vars(finding), "checked_at": row.finished_at} for finding in outcome.findings]
        if outcome.profile:
            profiles.append({**head, "profile": outcome.profile, "profiled_at": row.finished_at})
    with warehouse.transaction():
        warehouse.append("quality", quality)
        warehouse.append("profiles", profiles)
        warehouse.append("ledger", [dict(vars(outcome.row)) for outcome in outcomes])
