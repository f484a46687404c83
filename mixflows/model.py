"""What travels between the steps of a day: small, frozen, without a warehouse, Prefect or Great Expectations.

`day` is a `partition_date`; names ending in `_at` are instants in UTC; `_rows` count delivered copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from mixflows.days import DayRange
from mixflows.profile.drift import Drift
from mixflows.profile.profile import Profile
from mixflows.verdict import Acknowledgement, Finding


class PlanReason(StrEnum):
    """Why a day is planned."""

    NEW = "new"
    CHANGED = "changed"
    RULES_CHANGED = "rules_changed"
    FAILED = "failed"
    THRESHOLDS_CHANGED = "thresholds_changed"
    LOOKBACK = "lookback"
    REQUESTED = "requested"
    RELEASED = "released"
    ACKNOWLEDGED = "acknowledged"
    MISSING = "missing"
    ADOPTED = "adopted"


class Mode(StrEnum):
    """Which days a backfill takes."""

    DUE = "due"
    MISSING = "missing"
    CHANGED = "changed"
    FAILED = "failed"
    BLOCKED = "blocked"
    ALL = "all"


class Status(StrEnum):
    """How a day ended in one run."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """One run of the pipeline.

    Attributes:
        run_id: Prefect's flow run id, or a random one.
        attempt: 1 for the first try; a retry from the UI keeps the run id and counts on.
        flow: The name of the flow; empty for a run without one.
    """

    run_id: str
    attempt: int = 1
    flow: str = ""

    @property
    def retry_of(self) -> str | None:
        """The run id, where this is a further attempt of a run."""
        return self.run_id if self.attempt > 1 else None


@dataclass(frozen=True)
class SourceDay:
    """One day of the source, from metadata or its narrowest columns.

    Attributes:
        version: Changes whenever the day's rows may have changed; None where the engine offers no such signal.
        is_exact: Whether a statement on the day sees exactly so many rows: they were counted, or are one whole partition.
        share: How much of a batch the day fills, 1 being a whole one: the engine says how large a batch may be.
        read_at: When the rows were counted, by the engine's clock, where it can read the source as it was then; else None.
    """

    day: date
    rows: int
    version: str | None
    is_exact: bool = False
    share: float = 0.0
    read_at: datetime | None = None


@dataclass(frozen=True)
class PublishedCounts:
    """What the published tables hold of one day; `twice_keys`: how many events its keys have too many, where that was counted."""

    event_rows: int = 0
    rejected_rows: int = 0
    twice_keys: int = 0

    @property
    def rows(self) -> int:
        """Events and rejected copies."""
        return self.event_rows + self.rejected_rows


@dataclass(frozen=True)
class PlannedDay:
    """A day that a run is to process.

    Attributes:
        source_version: Read before the day is staged, so that rows arriving in between are found by the next plan.
        published_version: The source version that the day was last published from, if ever.
        new_rows: How many more source rows there are than the day was last published from, all if it never was; negative if
            there are fewer.
        usual_rows: Median of the source rows of the same weekday in the eight weeks before, or, where fewer than four of them
            have rows, of the days among the 28 before; None if fewer than 7.
        recorded: What the published tables held when the day was recorded last, where that was by the rules and for the source
            columns of today, and the day is neither blocked nor failed; else None.
        retained_rows: Published copies, by the ledger, that the source no longer had when the day was published last.
        is_exact: Whether staging must find exactly so many source rows.
        share: How much of a batch the day fills. As is `read_at`, see `SourceDay`.
        acknowledged: What a person lets stand of the day, if it is blocked so.
    """

    day: date
    reason: PlanReason
    source_rows: int
    source_version: str | None
    published_version: str | None = None
    usual_rows: float | None = None
    recorded: PublishedCounts | None = None
    retained_rows: int = 0
    is_exact: bool = False
    share: float = 0.0
    read_at: datetime | None = None
    acknowledged: Acknowledgement | None = None
    new_rows: int = 0

    @property
    def surplus_is_damage(self) -> bool:
        """Whether a published copy too many of a copy that the source has is damage, and no deletion.

        It is where the source is as it was when the day was published, unless copies were retained then.
        """
        is_as_published = self.source_version == self.published_version
        return self.source_version is not None and is_as_published and not self.retained_rows


@dataclass(frozen=True)
class Plan:
    """The days of one run, in the order they are processed.

    Attributes:
        check_rows: Whether the rows suite reads the staged rows.
        rows_without_day: Source rows that belong to no day (no partition date, no event time); no plan can take them.
        nothing: Why a range has no day at all, so that an empty plan does not read as if everything were done.
    """

    days: tuple[PlannedDay, ...]
    check_rows: bool
    rows_without_day: int = 0
    nothing: str = ""
    asked: DayRange = field(default_factory=DayRange)

    @property
    def source_rows(self) -> int:
        """Source rows of all planned days."""
        return sum(day.source_rows for day in self.days)

    @property
    def new_rows(self) -> int:
        """Source rows that came since the planned days were published last; what went does not count against them."""
        return sum(max(0, day.new_rows) for day in self.days)


@dataclass(frozen=True)
class Figures:
    """The figures of one staged day, counted in one scan of the staged rows.

    Counts come from the source's own columns (insert id, times), never from the columns that staging wrote, so
    that they can judge it; `kept_rows`, `rejected_rows` and `exact_copies` are what staging wrote.

    Attributes:
        source_rows: Delivered copies.
        kept_rows: Copies that staging keeps, retained ones among them.
        rejected_rows: Copies that staging rejects, retained ones among them.
        duplicate_rows: Valid copies beyond the first of each key.
        conflicting_duplicate_rows: Rejected copies whose content differs from their winner's.
        missing_insert_id_rows: Copies without insert id.
        missing_time_rows: Copies without event time.
        future_rows: Copies whose event time is later than their own arrival by more than the tolerance.
        late_rows: Copies that arrived more than `lookback_days` after the day.
        valid_keys: Different keys among the valid copies (each copy without insert id is one, where they are kept).
        kept_twice_keys: Keys that staging keeps more than once, or not at all.
        kept_null_key_rows: Kept copies with NULL in a key part that the policy forbids.
        kept_other_day_rows: Kept copies whose event time lies outside the day.
        ambiguous_keys: Keys with copies of the same arrival and different content, told apart by version or content alone.
        kept_without_id_rows: Kept copies without insert id (policy `keep`).
        retained_rows: Copies that the source no longer has and that policy keeps.
        gone_events: Those of them that are kept: no copy of the event is delivered any more.
    """

    source_rows: int = 0
    kept_rows: int = 0
    rejected_rows: int = 0
    duplicate_rows: int = 0
    conflicting_duplicate_rows: int = 0
    missing_insert_id_rows: int = 0
    missing_time_rows: int = 0
    future_rows: int = 0
    late_rows: int = 0
    valid_keys: int = 0
    kept_twice_keys: int = 0
    kept_null_key_rows: int = 0
    kept_other_day_rows: int = 0
    ambiguous_keys: int = 0
    kept_without_id_rows: int = 0
    retained_rows: int = 0
    gone_events: int = 0


@dataclass(frozen=True)
class Difference:
    """What publishing would do to the published day; all zero when it already equals the staged day.

    Attributes:
        inserted_events: Kept copies whose key is not published.
        updated_events: Published keys of which another copy, or the same with other content, is kept now.
        deleted_events: Published events whose key is not kept now.
        differing_rejected: Rejected copies that are not published so, or the other way round.
        restated_rows: Copies whose content changed under the same insert id and time.
        vanished_rows: Published copies, kept or rejected, that the source no longer has.
        surplus_rows: Those of them that are one copy too many of a copy that the source does have.
    """

    inserted_events: int = 0
    updated_events: int = 0
    deleted_events: int = 0
    differing_rejected: int = 0
    restated_rows: int = 0
    vanished_rows: int = 0
    surplus_rows: int = 0

    @property
    def is_none(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.inserted_events or self.updated_events or self.deleted_events or self.differing_rejected)


class Publication(StrEnum):
    """How a staged day is published."""

    NOTHING = "nothing"
    DELTA = "delta"
    WHOLE = "whole"


@dataclass(frozen=True)
class StepCost:
    """What one statement of a day was billed, over all the jobs that ran it; None where the engine does not tell."""

    step: str
    jobs: int
    bytes_billed: int | None
    slot_ms: int | None


@dataclass(frozen=True)
class Cost:
    """What the warehouse billed for a day: bytes, slot time, each step's share; None where the engine does not tell."""

    bytes_processed: int | None = None
    slot_ms: int | None = None
    steps: tuple[StepCost, ...] = ()


def known_sum(values: Sequence[int | None]) -> int | None:
    """What is told of bytes or slot time, added up; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class StagedDay:
    """A day that has been read and ranked, and not yet judged.

    Attributes:
        stage_table: The staged batch that the day is a part of.
        judged_table: Those of its rows that publishing may change; empty where these are all.
        drift: Its profile compared with the days before; before that is done, nothing is judged by it.
        is_delta: Whether it was staged to be published by replacing touched ids only.
    """

    planned: PlannedDay
    run: Run
    figures: Figures
    published: PublishedCounts
    difference: Difference
    stage_table: str
    started_at: datetime
    profile: Profile = field(default_factory=lambda: Profile(rows=0))
    drift: Drift = field(default_factory=Drift)
    publication: Publication = Publication.WHOLE
    is_delta: bool = False
    judged_table: str = ""

    @property
    def day(self) -> date:
        """The staged day."""
        return self.planned.day


@dataclass(frozen=True)
class StagedBatch:
    """Days that were staged together.

    Attributes:
        batch_id: Run, attempt and first day.
        days: The days that are to be judged and published.
        unchanged: Days whose copies are, on their keys, those that are published; no wide column of them was read.
        seconds: What staging took.
    """

    batch_id: str
    first_day: date
    days: tuple[StagedDay, ...]
    unchanged: tuple[PlannedDay, ...]
    started_at: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One row of the ledger: how one day ended in one attempt of one run. Field names are the table's columns.

    Attributes:
        bytes_processed: Bytes billed.
        step_costs: A JSON array of one object per step, with the fields of StepCost; empty where nothing is billed.
        work_seconds: The day's share of its batch's staging and publishing, without the gate and the wait for other batches
            between; None for a day that failed.
        restated_rows: Copies whose content changed under the same insert id and time.
        suppressed_rows: Copies that a deletion list left out; 0 until there is one.
        retained_rows: Published copies that the source no longer has and that policy keeps.
        source_columns: A hash of the source's columns and types.
        failed_expectations: The names of the critical expectations that failed, sorted, with commas between.
        acknowledged: Why a person lets the blocked day stand; empty where nobody does.
    """

    run_id: str
    attempt: int
    partition_date: date
    plan_reason: PlanReason
    status: Status
    source_rows: int | None = None
    kept_rows: int | None = None
    rejected_rows: int | None = None
    duplicate_rows: int | None = None
    duplicate_rate: float | None = None
    late_rows: int | None = None
    inserted_rows: int | None = None
    updated_rows: int | None = None
    deleted_rows: int | None = None
    source_version: str | None
    rules_version: str
    thresholds_version: str
    bytes_processed: int | None
    slot_ms: int | None
    started_at: datetime
    finished_at: datetime
    engine: str
    note: str = ""
    error: str = ""
    step_costs: str = ""
    work_seconds: float | None = None
    restated_rows: int | None = None
    suppressed_rows: int | None = None
    retained_rows: int | None = None
    batch_id: str = ""
    source_columns: str = ""
    failed_expectations: str = ""
    acknowledged: str = ""


@dataclass(frozen=True)
class DayOutcome:
    """How one day ended in this run.

    Attributes:
        profile: What the day looked like, as JSON (see `day_profile.DayProfile`); empty for a day that was not staged.
    """

    row: LedgerRow
    findings: tuple[Finding, ...] = field(default=())
    profile: str = field(default="", repr=False)

    @property
    def warned(self) -> bool:
        """Whether an expectation of severity warning failed on a day that went on."""
        return self.row.status in (Status.PUBLISHED, Status.UNCHANGED) and any(not f.success for f in self.findings)
