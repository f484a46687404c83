"""What the report knows: small, frozen, without a warehouse and without a page.

`day` is a `partition_date`; names ending in `_at` are instants in UTC; `_rows` count delivered copies. Nothing here
holds an event's properties or a user's id: only figures, names of expectations, and the words of the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from mixflows.costs.billed import Costs
from mixflows.model import Status
from mixflows.pipeline.totals import Totals
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.samples import Sample
from mixflows.profile.why import why
from mixflows.report.ages import AgeFigures
from mixflows.report.insights import Insights
from mixflows.settings import Bounds, command_line
from mixflows.verdict import Finding, Severity


class DayState(StrEnum):
    """What a reader has to know of a day, from its latest run."""

    PUBLISHED = "published"
    WARNED = "warned"
    BLOCKED = "blocked"
    FAILED = "failed"
    WAITING = "waiting"


class Outcome(StrEnum):
    """How a day fared under one expectation, its worst finding deciding."""

    PASS = "pass"
    NOT_JUDGED = "not_judged"
    WARN = "warn"
    FAIL = "fail"


ANY_DAY = date(2000, 1, 1)
"""Stands for a day in a statement that is the same for all of them."""
OUTCOMES_BY_WEIGHT = (Outcome.PASS, Outcome.NOT_JUDGED, Outcome.WARN, Outcome.FAIL)


class DayFinding(Finding):
    """One expectation's result on one day, and how the report shows it."""

    @property
    def outcome(self) -> Outcome:
        """A finding that passed without an observation says in its note why it was not judged."""
        if not self.success:
            return Outcome.FAIL if self.severity is Severity.CRITICAL else Outcome.WARN
        seen = self.observed_value is not None or self.unexpected_count is not None
        return Outcome.NOT_JUDGED if self.note and not seen else Outcome.PASS


@dataclass(frozen=True)
class PublishedFigures:
    """What the published tables hold for one day.

    Attributes:
        source_rows: The source rows that it was last published from, by the ledger.
        kept_rows: Rows of the published events when the report was made.
        rejected_rows: Rows of the rejected events when the report was made.
        left_out_rows: Published rows of which the source had no copy any more then, by the ledger, and that policy keeps.
        finished_at: When the run that published it, or found it unchanged, was done with it.
    """

    source_rows: int
    kept_rows: int
    rejected_rows: int
    left_out_rows: int
    finished_at: datetime

    @property
    def surplus_rows(self) -> int:
        """Rows too many in the published tables; negative where rows are lost."""
        return self.kept_rows + self.rejected_rows - self.left_out_rows - self.source_rows

    @property
    def holds(self) -> bool:
        """Whether source = kept + rejected."""
        return self.surplus_rows == 0


@dataclass(frozen=True)
class PastRun:
    """What one run saw of a day, and how the day ended in it.

    Attributes:
        note: Why it ended so: what blocked or failed it, or with which reason a person released it.
    """

    run_id: str
    finished_at: datetime
    status: Status
    plan_reason: str
    source_rows: int | None
    rejected_rows: int | None
    late_rows: int | None
    duplicate_rate: float | None
    note: str


@dataclass(frozen=True)
class DayFigures:
    """One day: how its latest run ended, what it saw, and what is published.

    Attributes:
        state: The latest run's end, in the words of the report.
        status: The latest run's end in the ledger; None for a day that no run has taken.
        source_rows: What the latest run saw in the source; before any run, what was landed.
        duplicate_rate: The share the latest run saw, whether or not it was published.
        published: None when nothing of the day was ever published.
        changed_since: Whether rows of the day were landed after its latest run had started.
        rejected_by_reason: Reason and rows, as `mp_rejected_events` has them.
        findings: The latest run's; empty when it ended before the audit.
        seconds: What staging and publishing it took in the latest run, by the ledger.
        history: Runs that took it, in the order in which they ended: the first that published it, and the latest nine.
        rejected_by_key: Duplicates that the keys of `profile.KEYS` would reject.
        kept_by_key: Copies that they would keep.
        samples: Rejected copies beside their winners, of a day that was flagged; values masked unless they may be shown.
        acknowledged: Why a person lets the blocked day stand; empty where nobody does.
        breakdown: Where its rows come from, as its latest profile tells.
        held_back_sql: Selects the rows that keep it blocked, of the latest days that are.
    """

    day: date
    state: DayState
    status: Status | None = None
    plan_reason: str = ""
    run_id: str = ""
    attempt: int = 0
    finished_at: datetime | None = None
    source_rows: int | None = None
    duplicate_rows: int | None = None
    duplicate_rate: float | None = None
    late_rows: int | None = None
    published: PublishedFigures | None = None
    changed_since: bool = False
    rejected_by_reason: tuple[tuple[str, int], ...] = ()
    findings: tuple[DayFinding, ...] = ()
    note: str = ""
    error: str = ""
    seconds: float | None = None
    history: tuple["PastRun", ...] = ()
    rejected_by_key: tuple[int, ...] = ()
    kept_by_key: tuple[int, ...] = ()
    samples: tuple[Sample, ...] = ()
    acknowledged: str = ""
    breakdown: Breakdown | None = None
    held_back_sql: str = ""

    @property
    def why(self) -> str:
        """Why it is blocked, flagged or failed, in one sentence; empty for a day that passed."""
        return " ".join(self.error.split()) or why(self.findings, self.source_rows, self.breakdown)


@dataclass(frozen=True)
class RunFigures:
    """One attempt of one run: when, how its days ended, how long, how many source rows it read.

    Attributes:
        seconds: From its first day's start to its last day's end.
        changed_rows: Events inserted, updated and deleted.
    """

    run_id: str
    attempt: int
    started_at: datetime
    finished_at: datetime
    seconds: float
    published_days: int
    unchanged_days: int
    blocked_days: int
    failed_days: int
    source_rows: int
    changed_rows: int

    @property
    def days(self) -> int:
        """Days that it took."""
        return self.published_days + self.unchanged_days + self.blocked_days + self.failed_days


@dataclass(frozen=True)
class LandingFigures:
    """Totals of the landing log."""

    files: int = 0
    lines: int = 0
    source_rows: int = 0
    malformed_rows: int = 0
    last_landed_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether lines = source rows + malformed."""
        return self.lines == self.source_rows + self.malformed_rows


@dataclass(frozen=True)
class ReportData:
    """Everything one report shows.

    Attributes:
        warehouse: What a reader knows the warehouse by.
        duplicate_rate: The bounds in force when the report was made.
        days: Ascending, each day once.
        runs: The latest first, at most the number asked for.
        costs: None where nothing is billed.
        insights: What the days' profiles tell together; None before the first.
        since: When the report was made before, or what was asked for; what changed since then is told first.
        expected_day: The last complete day: what the table should reach.
        prefect_ui: Where runs can be looked at, without a slash at its end.
        shown_properties: Properties whose values may be shown.
        totals: Where every delivered row is; None where there is no source yet.
        config: The settings file that commands name.
        rejected_sql: Selects the published rejected rows of ANY_DAY; empty where there is no source.
        ages: What fetching days again still found, by their age.
    """

    made_at: datetime
    project_timezone: str
    warehouse: str
    duplicate_rate: Bounds
    min_rows: int
    days: tuple[DayFigures, ...]
    runs: tuple[RunFigures, ...]
    landings: LandingFigures
    costs: Costs | None = None
    insights: Insights | None = None
    since: datetime | None = None
    expected_day: date | None = None
    prefect_ui: str | None = None
    shown_properties: tuple[str, ...] = ()
    totals: Totals | None = None
    rejected_sql: str = ""
    config: Path | None = None
    ages: tuple[AgeFigures, ...] = ()

    def command(self, *words: str) -> str:
        """A command line for the settings that the report was made with."""
        return command_line(*words, config=self.config)

    @property
    def published(self) -> tuple[tuple[date, PublishedFigures], ...]:
        """The days of which the published tables hold something, ascending."""
        return tuple((day.day, day.published) for day in self.days if day.published is not None)

    @property
    def changed(self) -> tuple[DayFigures, ...]:
        """Days that a run has taken since `since` and not found unchanged, the latest run first."""
        if self.since is None:
            return ()
        since = self.since
        taken = [d for d in self.days if d.finished_at and d.finished_at > since and d.status is not Status.UNCHANGED]
        return tuple(sorted(taken, key=lambda d: (d.finished_at or since, d.day), reverse=True))

    @property
    def days_behind(self) -> int:
        """How many complete days the table lacks at its end."""
        if self.expected_day is None or not self.published:
            return 0
        return max(0, (self.expected_day - self.published[-1][0]).days)

    @property
    def seconds_a_day(self) -> float | None:
        """Of the runs that are listed, however many days they took side by side; None without any."""
        days = sum(run.days for run in self.runs)
        return sum(run.seconds for run in self.runs) / days if days else None

    @property
    def rebuild_seconds(self) -> float | None:
        """What the statements of all days would take, by the mean of those whose latest run published them; None without."""
        known = [day.seconds for day in self.days if day.status is Status.PUBLISHED and day.seconds is not None]
        return sum(known) / len(known) * len(self.days) if known else None

    def in_state(self, *states: DayState) -> tuple[DayFigures, ...]:
        """The days in any of these states, ascending."""
        return tuple(day for day in self.days if day.state in states)

    @property
    def not_holding(self) -> tuple[tuple[date, PublishedFigures], ...]:
        """Published days for which source = kept + rejected does not hold."""
        return tuple((day, figures) for day, figures in self.published if not figures.holds)

    @property
    def rejection_reasons(self) -> tuple[tuple[str, int], ...]:
        """Reason and rows over all days, the most frequent first."""
        totals: dict[str, int] = {}
        for reason, rows in (pair for day in self.days for pair in day.rejected_by_reason):
            totals[reason] = totals.get(reason, 0) + rows
        return tuple(sorted(totals.items(), key=lambda pair: (-pair[1], pair[0])))

    @cached_property
    def findings(self) -> Mapping[tuple[str, str], Mapping[date, tuple[DayFinding, ...]]]:
        """Findings by suite and name of their expectation, in the order in which they were first met; then by day."""
        found: dict[tuple[str, str], dict[date, tuple[DayFinding, ...]]] = {}
        for day in self.days:
            for f in day.findings:
                of_days = found.setdefault((f.suite, f.expectation), {})
                of_days[day.day] = (*of_days.get(day.day, ()), f)
        return found

    @cached_property
    def _troubles(self) -> Mapping[tuple[str, str], tuple[int, int]]:
        """On how many days each expectation failed, and on how many it warned."""
        troubles: dict[tuple[str, str], tuple[int, int]] = {}
        for name, of_days in self.findings.items():
            outcomes = [found.outcome for of_day in of_days.values() if (found := worst(of_day)) is not None]
            troubles[name] = outcomes.count(Outcome.FAIL), outcomes.count(Outcome.WARN)
        return troubles

    @property
    def expectations(self) -> tuple[tuple[str, str], ...]:
        """Suite and name of every expectation that judged a shown day: those that failed first, the most often first."""
        return tuple(sorted(self.findings, key=lambda name: [-days for days in self._troubles[name]]))

    @property
    def troubled(self) -> int:
        """How many expectations failed on a shown day, as a bound of either severity; they are the first."""
        return sum(any(days) for days in self._troubles.values())


def worst(findings: Iterable[DayFinding]) -> DayFinding | None:
    """The finding that decides; among equals the first. None without findings."""
    return max(findings, key=lambda finding: OUTCOMES_BY_WEIGHT.index(finding.outcome), default=None)
