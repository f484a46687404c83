"""The audit of staged days: is this day fit to be published?

Great Expectations takes seconds to import: `warm_up` does that once, while the warehouse works.
"""

import threading
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from expectations.frame import DayRow
from expectations.thresholds import RowThresholds, Thresholds
from mixflows.errors import DayError
from mixflows.model import Finding, Severity, StagedDay, Verdict
from mixflows.settings import Settings
from mixflows.warehouse.access import RowAccess

if TYPE_CHECKING:
    from expectations.staged_rows import StagedRowsDatasource

FIGURES = "figures"
ROWS = "rows"

ROWS_AUDITED = "rows_audited"
"""The finding that stands for all others of the rows suite where the staged rows could not be audited."""

_importing = threading.Lock()


def warm_up() -> None:
    """Imports Great Expectations; takes 3 to 4 seconds the first time. Call it from the main thread."""
    with _importing:
        import expectations.judging  # noqa: F401


def judge(
    settings: Settings, staged: Sequence[StagedDay], *, check_rows: bool, access: RowAccess | None
) -> dict[date, Verdict]:
    """Judges staged days, each by itself: its figures, and its rows where they are checked.

    The figures of all days are judged in one validation, so that many days cost little more than one. Safe to call
    from several threads at once.

    Args:
        settings: Thresholds, the user's own suites, and the source's columns.
        staged: The days, each once.
        check_rows: Whether Great Expectations reads the staged rows too.
        access: The way to the staged rows; needed when they are checked.

    Returns:
        A verdict for every day, with one finding for each expectation, in the suites' order. A day whose staged rows
        cannot be audited has a failed critical finding `rows_audited` instead; the other days are judged all the same.

    Raises:
        SettingsError: A suite of the user's own is missing or cannot be built.
        DayError: One of the built-in expectations on figures could not be judged at all.
    """
    if check_rows and access is None:
        raise ValueError("to check rows, judge needs the way to them")
    if not staged:
        return {}
    warm_up()
    from expectations import figures, judging, own, staged_rows
    from expectations.quiet import quiet_context

    thresholds = Thresholds.of(settings)
    suites = {FIGURES: figures.suite(thresholds)}
    suites |= {reference: own.build(reference, thresholds) for reference in settings.quality.figures_suites}
    context = quiet_context()
    days = [DayRow.of(day, thresholds.min_rows) for day in staged]
    found = judging.judge_figures(context, days, suites, FIGURES)
    if access is not None and check_rows:
        source = staged_rows.add_source(context, access)
        for day in staged:
            found[day.day] += _rows_findings(settings, day, source)
    return {day: Verdict(tuple(findings)) for day, findings in found.items()}


def _rows_findings(settings: Settings, staged: StagedDay, source: "StagedRowsDatasource") -> list[Finding]:
    from expectations import judging, own, rows, staged_rows
    from expectations.quiet import TestConnectionError

    thresholds = RowThresholds.for_day(settings, staged.day)
    suites = {ROWS: rows.suite(thresholds)}
    suites |= {reference: own.build(reference, thresholds) for reference in settings.quality.rows_suites}
    try:
        return judging.judge_rows(staged_rows.staged_day(source, staged.stage_table), suites, ROWS)
    except TestConnectionError:
        why = f"the staged rows ({staged.stage_table}) could not be read"
    except DayError as err:
        why = f"the staged rows ({staged.stage_table}) could not be judged: {err}"
    return [Finding(ROWS, ROWS_AUDITED, Severity.CRITICAL, success=False, note=why)]
