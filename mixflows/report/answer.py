"""The report's answer: is the table right, as of when, and what keeps it from being right; in sentences."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mixflows.report.figures import DayFigures, DayFinding, DayState, ReportData
from mixflows.text import counted, percent
from mixflows.verdict import SHARES

TAKEN_WORDS = {
    "new": "for the first time",
    "changed": "again, as its rows had changed",
    "released": "released by a person",
    "acknowledged": "acknowledged by a person",
    "requested": "on request",
    "failed": "again after it had failed",
    "rules_changed": "by other rules",
    "thresholds_changed": "by other thresholds",
    "lookback": "again, within the look-back",
}
"""Why a run took a day, by its plan reason."""
UNEQUAL = "not add up: source is not kept + rejected"


class Level(StrEnum):
    """How much of the reader's attention the answer needs."""

    RIGHT = "right"
    LOOK = "look"
    WRONG = "wrong"
    EMPTY = "empty"


@dataclass(frozen=True)
class Answer:
    """The first thing a reader sees.

    Attributes:
        headline: One sentence.
        reasons: What stands behind it, the gravest first.
    """

    level: Level
    headline: str
    reasons: tuple[str, ...]


def answer(data: ReportData) -> Answer:
    """Says whether the published table is right, and as of when.

    `RIGHT`: every day that was ever landed is published, up to date, and adds up; some may be flagged. `LOOK`: what is
    published adds up, but days are blocked, outdated or not yet taken. `WRONG`: a published day does not add up, or a
    day failed.
    """
    published = data.published
    if not published:
        return _nothing_published(data)
    last = spoken(published[-1][0])
    blocked, failed = data.in_state(DayState.BLOCKED), data.in_state(DayState.FAILED)
    waiting, warned = data.in_state(DayState.WAITING), data.in_state(DayState.WARNED)
    outdated = tuple(d for d in data.in_state(DayState.PUBLISHED, DayState.WARNED) if d.changed_since)
    wrong = data.not_holding
    broken = len({day.day for day in failed} | {day for day, _ in wrong})
    missing = len({day.day for day in (*blocked, *waiting, *outdated)})
    reasons = [
        _sentence(wrong, f"does {UNEQUAL}", f"do {UNEQUAL}"),
        _sentence(failed, "failed", "failed"),
        _sentence(blocked, "is blocked by the quality gate", "are blocked by the quality gate"),
        _sentence(waiting, "was landed and not yet taken by a run", "were landed and not yet taken by a run"),
        _sentence(outdated, "got more rows after it was published", "got more rows after they were published"),
        _behind(data.days_behind),
        _sentence(warned, "is published with a warning", "are published with warnings"),
    ]
    if wrong or failed:
        level, headline = Level.WRONG, f"The table reaches {last}, and {counted(broken, 'day')} cannot be trusted."
    elif blocked or waiting or outdated:
        level, headline = Level.LOOK, f"The table is right up to {last}, except for {counted(missing, 'day')}."
    else:
        level, headline = Level.RIGHT, f"The table is right up to {last}."
    if not wrong:
        reasons.append(_adds_up(len(published)))
    return Answer(level, headline, tuple(reason for reason in reasons if reason))


def spoken(day: date) -> str:
    """A day as it is written in the report, such as `Thu 5 Mar 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def figure(finding: DayFinding) -> str:
    """What a finding saw, with as many digits as a reader needs; rates as percentages."""
    if finding.observed_value is None:
        return "" if finding.unexpected_count is None else counted(finding.unexpected_count, "row")
    return _value(finding.expectation, finding.observed_value)


def bound(finding: DayFinding) -> str:
    """The threshold in the unit of what was seen."""
    if finding.threshold is None:
        return ""
    if finding.expectation.endswith(SHARES):
        return limit(finding.threshold)
    return _value(finding.expectation, finding.threshold)


def limit(share: float) -> str:
    """A bound as a percentage, as it stands in the settings, such as `0.5 %`."""
    return percent(share, ".4g")


def freshness(data: ReportData) -> tuple[Level, str]:
    """How far the table reaches, in a few words, and how much attention that needs."""
    if not data.published:
        return Level.EMPTY, "nothing published"
    if days := data.days_behind:
        return Level.LOOK, f"{counted(days, 'day')} behind"
    return Level.RIGHT, "up to date"


def _behind(days: int) -> str:
    return f"It is {counted(days, 'complete day')} behind: no later day is published." if days else ""


def _nothing_published(data: ReportData) -> Answer:
    if not data.days:
        return Answer(Level.EMPTY, "Nothing has been published yet.", ())
    blocked, failed = data.in_state(DayState.BLOCKED), data.in_state(DayState.FAILED)
    reasons = (
        _sentence(failed, "failed", "failed"),
        _sentence(blocked, "is blocked by the quality gate", "are blocked by the quality gate"),
        _sentence(data.in_state(DayState.WAITING), "was landed and waits for a run", "were landed and wait for a run"),
    )
    level = Level.WRONG if failed else Level.LOOK
    return Answer(level, "Nothing has been published yet.", tuple(reason for reason in reasons if reason))


def _sentence(days: tuple[DayFigures, ...] | tuple[tuple[date, object], ...], one: str, many: str) -> str:
    if not days:
        return ""
    names = [spoken(day.day if isinstance(day, DayFigures) else day[0]) for day in days]
    shown = ", ".join(names[-3:])
    if len(names) == 1:
        return f"{shown} {one}."
    return f"{len(names):,} days {many}: {shown}." if len(names) <= 3 else f"{len(names):,} days {many}, last {shown}."


def _adds_up(days: int) -> str:
    if days == 1:
        return "The one published day adds up: source = kept + rejected."
    return f"All {days:,} published days add up: source = kept + rejected."


def _value(expectation: str, value: float) -> str:
    if expectation.endswith(SHARES):
        return share(value)
    if expectation in ("volume_change", "event_share_change"):
        return f"{value:.3g} ×"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


def share(value: float | None) -> str:
    """A share as a percentage with two decimals, such as `0.11 %`, so that a column of them can be compared."""
    if value is None:
        return ""
    return "< 0.01 %" if 0 < value < 0.00005 else percent(value)


def age(days: int) -> str:
    """An age of days that are fetched again."""
    return "less than the first age" if days == 0 else counted(days, "day")


def near(value: float) -> str:
    """A share near to all, with as many nines as it has, such as `99.98 %`."""
    return "100 %" if value == 1 else percent(min(value, 0.99999), ".4g" if value < 0.9999 else ".5g")


def label(name: str) -> str:
    """A figure's or an expectation's name as words, such as `Duplicate rate`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def rate_before(day: DayFigures) -> float | None:
    """The duplicate rate that the run before the latest saw; None where there was none."""
    return day.history[-2].duplicate_rate if len(day.history) > 1 else None


def what_changed(day: DayFigures) -> str:
    """Why the latest run took a day, and how its duplicate rate moved; empty where there is nothing to tell."""
    before, now = rate_before(day), day.duplicate_rate
    moved = before is not None and now is not None and share(before) != share(now)
    told = [TAKEN_WORDS.get(day.plan_reason, day.plan_reason)] if day.plan_reason else []
    return "; ".join([*told, f"duplicate rate {share(before)} before, {share(now)} now"] if moved else told)
