"""Whole runs by the cost model of BigQuery, with their quotas, beside the design that mixflows replaces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mixflows.costs.model import (
    JOBS_OF_A_RUN,
    MUTATING_AT_ONCE,
    SECONDS_PER_JOB,
    Statement,
    Workload,
    run_statements,
    waiting_seconds,
)

QUEUED_DML = 20
"""So many more statements that change a table may wait; beyond it they fail.
Source: https://cloud.google.com/bigquery/docs/data-manipulation-language, UPDATE, DELETE, MERGE DML concurrency."""
PARTITIONS_PER_TABLE = 10_000
"""Source: https://cloud.google.com/bigquery/quotas, partitioned tables."""
JOB_HOURS = 6
"""A job is ended after so long. Source: https://cloud.google.com/bigquery/quotas, query jobs."""


@dataclass(frozen=True)
class Limit:
    """A quota and how much of it is used."""

    what: str
    used: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether it is kept."""
        return self.used <= self.allowed


@dataclass(frozen=True)
class Estimate:
    """What a run takes."""

    days: int
    statements: Sequence[Statement]
    jobs: int
    read_gb: float
    written_gb: float
    slot_hours: float
    wall_seconds: float
    limits: Sequence[Limit]


def daily_run(workload: Workload) -> Estimate:
    """A daily run: the new day, and the days that late rows changed. It does not depend on the history."""
    return _estimate(workload, new=1, changed=workload.changed_days)


def backfill(workload: Workload) -> Estimate:
    """Every day of the history, once; its rows are not judged."""
    return _estimate(replace(workload, row_checks=False), new=workload.days_of_history, changed=0)


def full_rebuild(workload: Workload) -> Estimate:
    """What the design that this replaces does every day: staging, a merge and a join over the whole history."""
    year, keys = workload.day_gb * workload.days_of_history, workload.key_gb * workload.days_of_history
    statements = [
        Statement("staging", 1, year, year),
        # The staged history, and the events, which it may update; their keys once more, to leave out what is known.
        Statement("merge", 1, 2 * year + keys, workload.day_gb, "events"),
        Statement("rejected", 1, year + keys, year * 0.003, "rejected"),
    ]
    return _one_after_the_other(workload, workload.days_of_history, statements)


def tuned_rebuild(workload: Workload) -> Estimate:
    """That design once tuned: it stages the last three days, and looks their keys up in the whole history.

    How often it reads the keys of the history is a guess: three times, by the merge, the rejected rows and a test.
    """
    days, keys = 3 * workload.day_gb, workload.key_gb * workload.days_of_history
    statements = [
        Statement("staging of three days", 1, days, days),
        Statement("merge of three days", 1, days + keys, days, "events"),
        Statement("rejected of three days", 1, days + keys, 0.0, "rejected"),
        Statement("test of unique keys", 1, keys),
    ]
    return _one_after_the_other(workload, 3, statements)


def _one_after_the_other(workload: Workload, days: int, statements: Sequence[Statement]) -> Estimate:
    slots = sum(s.slot_seconds for s in statements)
    return Estimate(
        days=days,
        statements=statements,
        jobs=len(statements),
        read_gb=sum(s.read_gb for s in statements),
        written_gb=sum(s.written_gb for s in statements),
        slot_hours=slots / 3600,
        wall_seconds=slots / workload.slots + len(statements) * SECONDS_PER_JOB,
        limits=(),
    )


def _estimate(workload: Workload, *, new: int, changed: int) -> Estimate:
    statements = run_statements(workload, new=new, changed=changed)
    batches = workload.batches(new + changed)
    slot_seconds = sum(s.slot_seconds for s in statements)
    at_once = max(1, min(workload.concurrency, batches))
    longest = max(s.slot_seconds for s in statements) / batches
    return Estimate(
        days=new + changed,
        statements=statements,
        jobs=JOBS_OF_A_RUN + sum(s.jobs for s in statements),
        read_gb=sum(s.read_gb for s in statements),
        written_gb=sum(s.written_gb for s in statements),
        slot_hours=slot_seconds / 3600,
        wall_seconds=slot_seconds / workload.slots + waiting_seconds(statements, at_once),
        limits=(
            Limit("changing statements of one table, running and waiting", at_once, MUTATING_AT_ONCE + QUEUED_DML),
            Limit("partitions of a table", workload.days_of_history, PARTITIONS_PER_TABLE),
            Limit("hours of the longest statement", longest / workload.slots / 3600, JOB_HOURS),
        ),
    )
