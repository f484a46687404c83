"""The figures that travel inside the page for its charts: columns instead of records, each text once.

At two years of days and a dozen expectations this is a tenth of what records would take.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from mixflows.costs.billed import Costs, DayCost, spoken_bytes
from mixflows.ledger.standing import commands_for
from mixflows.profile.breakdown import EVENT, FILE, HOUR, KINDS, Breakdown, part_label
from mixflows.profile.drift import PAST_AT_LEAST, PAST_DAYS
from mixflows.report.answer import bound, figure, share
from mixflows.report.figures import ANY_DAY, DayFigures, DayFinding, Outcome, ReportData, worst
from mixflows.text import NAME_LENGTH, plain, plain_lines
from mixflows.verdict import Severity

LETTERS = {Outcome.PASS: "p", Outcome.NOT_JUDGED: "n", Outcome.WARN: "w", Outcome.FAIL: "f"}
NO_RESULT = "-"
PARTS = (EVENT, HOUR, FILE, "mp_lib", "$os")
KIND_TITLES = [kind.replace("_", " ").capitalize() for kind in KINDS]
NOTE_LENGTH = 600
PAST_NOTE_LENGTH = 200


def island(data: ReportData) -> dict[str, Any]:
    """The page's figures, ready for JSON.

    Returns:
        `days`: columns, one entry a day; `reasons` with their rows per day; `expectations` with one letter a day
        (p, n, w, f, or - for no result) and, a day, the index of what it saw in `texts`; the duplicate rate's `bounds`;
        the seconds that the statements of all days would take, as `rebuild`.
    """
    reasons = [reason for reason, _ in data.rejection_reasons]
    texts: dict[str, int] = {"": 0}
    expectations = [_expectation(suite, name, data, texts) for suite, name in data.expectations]
    return {
        "days": _days(data.days),
        "reasons": [
            {"name": reason, "rows": [dict(day.rejected_by_reason).get(reason, 0) for day in data.days]}
            for reason in reasons
        ],
        "expectations": expectations,
        "texts": list(texts),
        "bounds": [data.duplicate_rate.warning, data.duplicate_rate.critical],
        "rebuild": _short(data.rebuild_seconds),
        "troubled": data.troubled,
    }


def script_json(value: object) -> str:
    """JSON of plain texts that cannot end the script element around it."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("Sequence[Any]", value)]
    return plain_lines(value) if isinstance(value, str) else value


def _days(days: tuple[DayFigures, ...]) -> dict[str, list[Any]]:
    published = [day.published for day in days]
    return {
        "day": [day.day.isoformat() for day in days],
        "state": [day.state.value for day in days],
        "source": [p.source_rows if p else day.source_rows for day, p in zip(days, published, strict=True)],
        "kept": [p.kept_rows if p else None for p in published],
        "rejected": [p.rejected_rows if p else None for p in published],
        "duplicates": [day.duplicate_rows for day in days],
        "rate": [_short(day.duplicate_rate) for day in days],
        "took": [_short(day.seconds) for day in days],
        **_band([day.duplicate_rate for day in days]),
    }


def _band(rates: Sequence[float | None]) -> dict[str, list[float | None]]:
    """What 80 % of the 28 entries before each had; None with fewer than seven."""
    low: list[float | None] = []
    high: list[float | None] = []
    for n in range(len(rates)):
        before = sorted(rate for rate in rates[max(0, n - PAST_DAYS) : n] if rate is not None)
        enough = len(before) >= PAST_AT_LEAST
        low.append(_short(before[len(before) // 10]) if enough else None)
        high.append(_short(before[-1 - len(before) // 10]) if enough else None)
    return {"band_low": low, "band_high": high}


def day_pages(data: ReportData) -> dict[str, Any]:
    """What the page of a day shows besides the charts' figures, one entry a day; what is empty is left out.

    Returns:
        `days`, and where runs can be looked at, as `prefect_ui`.
    """
    billed = {cost.day: _billed(cost, data.costs) for cost in data.costs.days} if data.costs else {}
    names: dict[str, int] = {}
    return {
        "days": [_page(day, data, billed.get(day.day, ""), names) for day in data.days],
        "names": list(names),
        "parts": {part: part_label(part) for part in PARTS},
        "kinds": KIND_TITLES,
        "rejected_sql": data.rejected_sql,
        "any_day": ANY_DAY.isoformat(),
        "explain": data.command("explain", "--insert-id", "ID", "--day", "DAY"),
        "prefect_ui": data.prefect_ui,
    }


def commands_of(day: DayFigures, data: ReportData) -> list[str]:
    """What a person types about a day that needs one, a line each."""
    failed = {f.expectation: None for f in day.findings if not f.success and f.severity is Severity.CRITICAL}
    return commands_for(day.day, day.status, tuple(failed), command=data.command) if day.status else []


def _billed(cost: DayCost, costs: Costs) -> str:
    """What a day was billed a time, and how much of a rebuild that is."""
    a_time = cost.bytes_billed / cost.attempts
    part = f", {share(a_time / costs.source_bytes)} of reading the whole source" if costs.source_bytes else ""
    return f"billed {spoken_bytes(a_time)} a time{part}"


def _page(day: DayFigures, data: ReportData, billed: str, names: dict[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "reason": day.why,
        "commands": commands_of(day, data),
        "breakdown": _breakdown(day.breakdown, names) if day.breakdown else None,
        "sql": day.held_back_sql,
        "why": day.plan_reason,
        "billed": billed,
        "note": (day.error or day.note)[:NOTE_LENGTH],
        "keys": (day.rejected_by_key, day.kept_by_key) if any(day.rejected_by_key) else None,
        "samples": [
            (
                s.event,
                s.reason,
                s.exact,
                s.later_ms,
                s.same,
                [(d.name, d.winner, d.copy) for d in s.differences],
                s.insert_id,
                s.time,
            )
            for s in day.samples
        ],
        "history": [
            (
                past.run_id,
                f"{past.finished_at:%Y-%m-%d %H:%M} UTC",
                past.status,
                past.plan_reason,
                past.source_rows,
                past.rejected_rows,
                past.late_rows,
                _short(past.duplicate_rate),
                past.note[:PAST_NOTE_LENGTH],
            )
            for past in day.history
        ],
    }
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def _breakdown(breakdown: Breakdown, names: dict[str, int]) -> dict[str, list[list[int]]]:
    """By part: the index of each item's name, its rows, and each count of `breakdown.KINDS`, zeros at the end left out."""
    return {
        part: [
            [names.setdefault(plain(name, NAME_LENGTH), len(names)), *counts.to_record()]
            for name, counts in items.items()
        ]
        for part, items in breakdown.parts.items()
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _expectation(suite: str, name: str, data: ReportData, texts: dict[str, int]) -> dict[str, Any]:
    found = data.findings[suite, name]
    deciding = [worst(found.get(day.day, ())) for day in data.days]
    return {
        "name": name,
        "suite": suite,
        "outcomes": "".join(NO_RESULT if f is None else LETTERS[f.outcome] for f in deciding),
        "bounds": _bounds(found),
        "saw": [0 if f is None else texts.setdefault(_saw(f), len(texts)) for f in deciding],
    }


def _bounds(found: Mapping[date, tuple[DayFinding, ...]]) -> list[str]:
    """The latest warning and critical bound, in words; empty where there is none."""
    latest = {f.severity: bound(f) for f in found[max(found)]}
    return [latest.get(Severity.WARNING, ""), latest.get(Severity.CRITICAL, "")]


def _saw(finding: DayFinding) -> str:
    seen = figure(finding)
    if finding.outcome is Outcome.NOT_JUDGED:
        return finding.note
    if finding.success:
        return seen
    allowed = bound(finding)
    return ", ".join(part for part in (seen, f"allowed {allowed}" if allowed else "", finding.note) if part)
