"""The figures that travel inside the page for its charts: columns instead of records, each text once.

At two years of days and a dozen expectations this is a tenth of what records would take.
"""

import json
from typing import Any

from mixflows.report.answer import bound, figure
from mixflows.report.figures import DayFigures, DayFinding, Outcome, ReportData, worst

LETTERS = {Outcome.PASS: "p", Outcome.NOT_JUDGED: "n", Outcome.WARN: "w", Outcome.FAIL: "f"}
NO_RESULT = "-"


def island(data: ReportData) -> dict[str, Any]:
    """The page's figures, ready for JSON.

    Returns:
        `days`: columns, one entry a day; `reasons` with their rows per day; `expectations` with one letter a day
        (p, n, w, f, or - for no result) and, a day, the index of what it saw in `texts`; the duplicate rate's `bounds`.
    """
    reasons = [reason for reason, _ in data.rejection_reasons]
    texts: dict[str, int] = {"": 0}
    expectations = [_expectation(suite, name, data.days, texts) for suite, name in data.expectations]
    return {
        "days": _days(data.days),
        "reasons": [{"name": reason, "rows": [_rows_of(day, reason) for day in data.days]} for reason in reasons],
        "expectations": expectations,
        "texts": list(texts),
        "bounds": [data.duplicate_rate.warning, data.duplicate_rate.critical],
    }


def script_json(value: object) -> str:
    """JSON that cannot end the script element around it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


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
    }


def _short(rate: float | None) -> float | None:
    return None if rate is None else float(f"{rate:.4g}")


def _rows_of(day: DayFigures, reason: str) -> int:
    return sum(rows for name, rows in day.rejected_by_reason if name == reason)


def _expectation(suite: str, name: str, days: tuple[DayFigures, ...], texts: dict[str, int]) -> dict[str, Any]:
    deciding = [worst(f for f in day.findings if (f.suite, f.expectation) == (suite, name)) for day in days]
    return {
        "name": name,
        "suite": suite,
        "outcomes": "".join(NO_RESULT if f is None else LETTERS[f.outcome] for f in deciding),
        "saw": [0 if f is None else texts.setdefault(_saw(f), len(texts)) for f in deciding],
    }


def _saw(finding: DayFinding) -> str:
    seen = figure(finding)
    if finding.outcome is Outcome.NOT_JUDGED:
        return finding.note
    if finding.success:
        return seen
    allowed = bound(finding)
    return ", ".join(part for part in (seen, f"allowed {allowed}" if allowed else "", finding.note) if part)
