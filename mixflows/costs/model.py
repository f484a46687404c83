"""A cost model of BigQuery, on paper: bytes, slot time, jobs and wall time of days that are processed.

Bytes are those of the columns that each statement references (docs/cost.md lists them). BigQuery bills them, and at least 10 MB
for each table, which is left out here: with days of less than about a million events it is most of the bill. Slot time follows
from bytes read and written by two constants. Nothing here asks a warehouse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

GB = 1e9
SLOT_SECONDS_PER_GB_WRITTEN = 163.2
SLOT_SECONDS_PER_GB_READ = 31.8
"""Two figures, solved for the two. Selecting a partition of 192 GB into another, which reads and writes it once, took 10 h
24 min of slot time: 195 slot-seconds per GB; measured by a user of dbt. A daily rebuild of a year of 3 TB was billed 250
slot-hours, 300 slot-seconds per GB: it writes the year once, and reads it four times, and its keys twice.
Source: https://github.com/dbt-labs/dbt-bigquery/issues/77, the comment of 2022-04-20."""
SECONDS_PER_JOB = 2.0
"""From asking for a small statement to its answer; BigQuery promises none. An assumption."""
JOBS_OF_A_RUN = 9
"""Jobs of no day, one after the other: tables, plan and claims. Counted on the API server (benchmarks, bigquery)."""
MUTATING_AT_ONCE = 2
"""Statements that change one table run two at a time, further ones wait.
Source: https://cloud.google.com/bigquery/docs/data-manipulation-language, UPDATE, DELETE, MERGE DML concurrency."""

DayKind = Literal["new", "changed", "unchanged"]
"""Of changed days, those that only gain events; unchanged are those that were rewritten with equal keys, arrivals and versions."""


@dataclass(frozen=True)
class Workload:
    """What there is to do.

    Attributes:
        columns: Of the source.
        bytes_per_column: Mean logical bytes of a value.
        profiled_bytes: Of a row's columns that only the profile reads: event name, who it was, and properties that the settings
            name.
        changed_days: Days besides the new one that late rows reach, per daily run.
        late_share: Rows of a changed day that are new, as a share of the day.
        batch_days: As many days are a batch at most.
        batch_gb: About as much of the source is a batch at most; a larger day is one by itself.
        concurrency: Batches in flight.
        slots: What the project has; on-demand projects share up to 2,000.
        row_checks: Whether Great Expectations judges the rows too; a backfill leaves that out, as shipped.
    """

    events_per_day: float
    days_of_history: int = 365
    columns: int = 12
    bytes_per_column: float = 33.0
    profiled_bytes: float = 35.0
    changed_days: int = 6
    late_share: float = 0.01
    batch_days: int = 400
    batch_gb: float = 500.0
    concurrency: int = 2
    slots: int = 500
    row_checks: bool = True

    @property
    def day_gb(self) -> float:
        """All columns of a day."""
        return self.events_per_day * self.columns * self.bytes_per_column / GB

    @property
    def key_gb(self) -> float:
        """Insert id, time, arrival of a day: 36 + 2, 8 and 8 bytes."""
        return self.events_per_day * 54 / GB

    @property
    def profiled_gb(self) -> float:
        """What the profile reads of a day."""
        return self.key_gb + self.events_per_day * self.profiled_bytes / GB

    def batches(self, days: int) -> int:
        """How many batches so many days are."""
        return math.ceil(days / max(1, min(self.batch_days, int(self.batch_gb / self.day_gb))))


@dataclass(frozen=True)
class Statement:
    """One statement of a batch.

    Attributes:
        jobs: How many jobs it is, however many days the batch has.
        read_gb: Bytes of the columns that it references, which are billed.
        changes: The published table that it changes, if any.
        jobs_of_a_day: How many jobs it is for each day of the batch.
    """

    step: str
    jobs: int
    read_gb: float
    written_gb: float = 0.0
    changes: Literal["events", "rejected"] | None = None
    jobs_of_a_day: int = 0

    @property
    def slot_seconds(self) -> float:
        """Slot time."""
        return self.read_gb * SLOT_SECONDS_PER_GB_READ + self.written_gb * SLOT_SECONDS_PER_GB_WRITTEN


def day_statements(workload: Workload, kind: DayKind, days: int = 1) -> tuple[Statement, ...]:
    """The statements of one day of a batch, in order; more days read and write more, in as many statements.

    Args:
        days: How many the batch has; the rows of a single one are judged through a view of its own.
    """
    wide, narrow = workload.day_gb, workload.key_gb
    few = wide * 0.003  # copies and invalid rows
    late = wide * workload.late_share
    audits = 9 if days == 1 else 8
    compared = [
        # It reads the days alone, which are left out everywhere here.
        Statement("published_counts", 1, 0.0),
        Statement("touched", 1, 2 * narrow + few),
        Statement("touched_days", 1, 0.0),
    ]
    recorded = Statement("record", 3, 0.0)
    if kind == "unchanged":
        return (*compared, recorded)
    if kind == "new":
        statements = [
            Statement("published_counts", 1, 0.0),
            Statement("events_next", 1, wide, wide),
            Statement("copies", 1, few, few),
            Statement("winners", 1, few, few),
            Statement("stage", 1, 0.0),
            # Its figures are those of the staged events, the rest is the source's.
            Statement("profile", 1, workload.profiled_gb + narrow + few),
            *([Statement("audit_rows", audits, 1.7 * narrow)] if workload.row_checks else []),
            Statement("rejected_next", 1, few, few),
            # A copy job is billed neither bytes nor slots.
            Statement("copy_events", 0, 0.0, changes="events", jobs_of_a_day=1),
            Statement("replace_rejected", 1, few, few, "rejected"),
        ]
    else:
        statements = [
            *compared,
            Statement("events_next", 1, wide, few + late),
            Statement("copies", 1, few + late, few + late),
            Statement("stage", 2, 0.0),
            Statement("changes", 1, few),
            # Wherever the stage of such days is read, the source's keys are read.
            Statement("profile", 1, workload.profiled_gb + few),
            # The ranked copies alone are judged: all else is published already.
            *([Statement("audit_rows", audits, few)] if workload.row_checks else []),
            Statement("rejected_next", 1, few, few),
            # A MERGE that only adds rows is billed for what it references of its target, and writes what it adds.
            Statement("added_events", 1, narrow + few + late, late, "events"),
            Statement("delta_rejected", 1, few, few, "rejected"),
        ]
    # Keys are counted where events may have been written in place of others.
    after = (
        Statement("published_counts, keys", 1, narrow)
        if kind == "new"
        else Statement("published_counts, after", 1, 0.0)
    )
    return (*statements, after, recorded)


def run_statements(workload: Workload, *, new: int, changed: int) -> tuple[Statement, ...]:
    """The statements of so many days, those of all batches together."""
    batches = workload.batches(new + changed)
    steps: dict[str, Statement] = {}
    kinds: tuple[tuple[DayKind, int], ...] = (("new", new), ("changed", changed))
    for kind, days in kinds:
        for one in day_statements(workload, kind, -(-(new + changed) // batches)) if days else ():
            known = steps.get(one.step, Statement(one.step, 0, 0.0, 0.0, one.changes))
            steps[one.step] = replace(
                known,
                jobs=max(known.jobs, one.jobs * batches) + one.jobs_of_a_day * days,
                read_gb=known.read_gb + one.read_gb * days,
                written_gb=known.written_gb + one.written_gb * days,
            )
    return tuple(steps.values())


def waiting_seconds(statements: Sequence[Statement], at_once: int) -> float:
    """How long jobs are waited for until they are answered, whatever they do.

    Batches run side by side, the statements of a batch one after the other; changes of one table only two at a time.
    """
    jobs = sum(s.jobs for s in statements)
    changing = sum(s.jobs for s in statements if s.changes == "events")
    return SECONDS_PER_JOB * (JOBS_OF_A_RUN + max(jobs / at_once, changing / min(at_once, MUTATING_AT_ONCE)))


def slot_ms_of(bytes_read: float, kind: DayKind) -> int:
    """Slot milliseconds of a day whose statements read so many bytes, before the ledger knows better."""
    statements = day_statements(Workload(events_per_day=1e6, row_checks=False), kind)
    seconds_per_gb = sum(s.slot_seconds for s in statements) / sum(s.read_gb for s in statements)
    return round(bytes_read / GB * seconds_per_gb * 1000)


def seconds_of(
    slot_ms: float, new: int, changed: int, *, rows_per_day: float, concurrency: int, row_checks: bool
) -> float:
    """Wall-clock seconds of so many new and changed days with so much slot time, on the slots that a `Workload` assumes."""
    load = Workload(events_per_day=max(1.0, rows_per_day), row_checks=row_checks)
    statements = run_statements(load, new=new, changed=changed)
    return slot_ms / 1000 / load.slots + waiting_seconds(
        statements, max(1, min(concurrency, load.batches(new + changed)))
    )
