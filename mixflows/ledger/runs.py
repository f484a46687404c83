"""The ledger: one row per day, run and attempt, and what it says of each day."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from mixflows.model import DayOutcome, Finding, LedgerRow, Status
from mixflows.warehouse.base import Warehouse


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


def day_states(warehouse: Warehouse) -> dict[date, DayState]:
    """The state of every day in the ledger."""
    rows = warehouse.query("ledger_days")
    for row in rows:
        row["status"] = Status(row["status"])
    return {row["day"]: DayState(**row) for row in rows}


def record(warehouse: Warehouse, outcome: DayOutcome) -> None:
    """Writes a day's ledger row, its quality results and its profile; the last thing that happens to a day."""
    row = outcome.row
    with warehouse.transaction():
        warehouse.append("quality", _quality_rows(row, outcome.findings))
        if outcome.profile:
            warehouse.append("profiles", [_profile_row(row, outcome.profile)])
        warehouse.append("ledger", [asdict(row)])


def _profile_row(row: LedgerRow, profile: str) -> dict[str, object]:
    head = {"run_id": row.run_id, "attempt": row.attempt, "partition_date": row.partition_date}
    return {**head, "profile": profile, "profiled_at": row.finished_at}


def _quality_rows(row: LedgerRow, findings: Sequence[Finding]) -> list[dict[str, object]]:
    head = {"run_id": row.run_id, "attempt": row.attempt, "partition_date": row.partition_date}
    checked_at = datetime.now(UTC)
    return [{**head, **asdict(finding), "checked_at": checked_at} for finding in findings]
