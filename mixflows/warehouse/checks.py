"""What `mixflows doctor` looks at, the same words on every engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mixflows.errors import MixflowsError
from mixflows.model import SourceDay
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.base import Warehouse

SAMPLED_DAYS = 3
"""The day rule is tried on the first, the middle and the last day of the source."""


class CheckState(StrEnum):
    """How a check ended. Only `failed` makes the doctor's exit code 1; `unknown` could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        finding: What was found. Counts and names only, never a row's content.
        advice: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: CheckState
    finding: str
    advice: str = ""


def ok(name: str, finding: str) -> Check:
    """A check that holds."""
    return Check(name, CheckState.OK, finding)


def fresh(name: str, finding: str, advice: str) -> Check:
    """A check of what has not been begun yet: nothing is wrong, and the advice is the first step."""
    return Check(name, CheckState.OK, finding, advice)


def warning(name: str, finding: str, advice: str) -> Check:
    """A check that holds, at a price."""
    return Check(name, CheckState.WARNING, finding, advice)


def failed(name: str, finding: str, advice: str) -> Check:
    """A check that does not hold."""
    return Check(name, CheckState.FAILED, finding, advice)


def tried(name: str, look: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """The checks that a look gives, or one failed check with the error that it ended in."""
    try:
        return look()
    except MixflowsError as err:
        return [failed(name, err.message, err.hint)]


def source_checks(warehouse: Warehouse, settings: Settings) -> Iterator[Check]:
    """Columns, roles and days of the source; needs an open warehouse.

    Reads two columns of at most 10,000 rows of up to three days; only counts come back.
    """
    columns = tried("source columns", lambda: _columns(warehouse))
    yield from columns
    if any(check.state is CheckState.FAILED for check in columns):
        return
    yield from tried("days", lambda: _days(warehouse, settings))


def _columns(warehouse: Warehouse) -> list[Check]:
    source = warehouse.source()
    key = ", ".join(part.name for part in source.key)
    found = [ok("source columns", f"{counted(len(source.columns), 'column')}; the key is {key} and the day")]
    if source.arrival is None:
        found.append(
            warning(
                "arrival",
                "the source does not tell when a copy arrived",
                "The winner among copies is chosen by content alone, and late or future events are not judged."
                " Where there is such a column, name it as columns.arrival.",
            )
        )
    return found


def _days(warehouse: Warehouse, settings: Settings) -> list[Check]:
    days, without_day = warehouse.source_days()
    if not days:
        return [warning("days", "the source has no rows yet", "Nothing to do until it has.")]
    rows = sum(day.rows for day in days)
    found = [ok("days", f"{counted(len(days), 'day')}, {days[0].day} to {days[-1].day}, {counted(rows, 'row')}")]
    if without_day:
        found.append(
            warning(
                "rows without day",
                f"{without_day:,} source rows belong to no day",
                "They are in no plan. Rows in a streaming buffer get their day within 90 minutes; others need a value.",
            )
        )
    if all(day.version is None for day in days):
        found.append(
            warning(
                "signal of change",
                "nothing tells which days changed",
                f"Only the last {settings.pipeline.lookback_days} days are looked at again: pipeline.lookback_days.",
            )
        )
    return [*found, _day_rule(warehouse, settings, days)]


def _day_rule(warehouse: Warehouse, settings: Settings, days: Sequence[SourceDay]) -> Check:
    """Whether DATE(time, time zone) is the source's own day, on a sample."""
    name, zone = "day = DATE(time)", settings.project_timezone
    if warehouse.source().day is None:
        return ok(name, f"the day is taken from the event time, in {zone}")
    chosen = {days[at].day for at in (0, len(days) // 2, len(days) - 1)}
    (row,) = warehouse.query("doctor_day", days=sorted(chosen)[:SAMPLED_DAYS])
    sampled, other = int(row["sampled_rows"]), int(row["other_day_rows"])
    if not other:
        return ok(name, f"holds in {zone} for {counted(sampled, 'sampled row')} of {counted(len(chosen), 'day')}")
    return failed(
        name,
        f"{other:,} of {sampled:,} sampled rows have an event time on another day in {zone}",
        "Set project_timezone to the Mixpanel project's time zone (Project settings, Overview)."
        " A row on another day blocks its day.",
    )
