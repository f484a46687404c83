"""The audit of staged days: is this day fit to be published?

Audits run in the run's own process, one at a time. Great Expectations takes seconds to import: `warm_up` does that
once, while the warehouse works.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from expectations.figures_table import DayRow
from expectations.thresholds import FIGURES, ROWS, RowThresholds, Thresholds
from mixflows.errors import DayError
from mixflows.ledger.profiles import DayProfile, day_profile, drift_of
from mixflows.model import StagedDay
from mixflows.settings import Settings
from mixflows.verdict import Finding, Severity, Verdict
from mixflows.warehouse.base import RowAccess
from mixflows.warehouse.source import STAGED_DAY, STAGED_IN_DAY

if TYPE_CHECKING:
    from expectations.data_source import StagedRowsDatasource
    from expectations.gx import ExpectationSuite

ROWS_AUDITED = "rows_audited"
"""The finding that stands for all others of the rows suite where the staged rows could not be audited."""

_auditing = threading.Lock()


class GreatExpectationsAuditor:
    """The auditor that the pipeline is handed: judges staged days with the suites of `expectations/` and the user's own.

    Args:
        settings: Thresholds and the user's own suites.
        access: To the staged rows.
    """

    def __init__(self, settings: Settings, access: RowAccess) -> None:
        self._settings, self._access = settings, access

    def warm_up(self) -> None:
        """Imports Great Expectations; takes 2 seconds or more the first time. Call it from the main thread."""
        import expectations.validation  # noqa: F401

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> dict[date, Verdict]:
        """Judges staged days, each by itself: its figures, and its rows where they are checked.

        The figures of all days are judged in one validation, so that many days cost little more than one. Threads that call
        it at the same time wait for each other.

        Args:
            staged: The days, each once.
            check_rows: Whether Great Expectations reads the staged rows too.

        Returns:
            A verdict for every day, with one finding for each expectation, in the suites' order. A day whose staged rows
            cannot be audited has a failed critical finding `rows_audited` instead; the other days are judged all the same.

        Raises:
            SettingsError: A suite of the user's own is missing or cannot be built.
            DayError: One of the built-in expectations on figures could not be judged at all.
        """
        if not staged:
            return {}
        from expectations import data_source, validation
        from expectations.gx import quiet_context

        settings = self._settings
        with _auditing:
            context = quiet_context()
            days = [DayRow.of(day_profile(day), day.drift, settings.quality) for day in staged]
            found = validation.judge_figures(context, days, figures_suites(settings))
            if check_rows:
                source = data_source.add_source(context, self._access)
                for batch in _batches(staged):
                    # Our suite judges all days of a batch together, and each by itself where that fails; the user's by day.
                    ours = _ours_on_batch(settings, batch, source, self._access) if len(batch) > 1 else None
                    for day in batch:
                        found[day.day] += _findings_of_day(settings, day, ours, source, self._access)
        return {day: Verdict(tuple(findings)) for day, findings in found.items()}


def figures_suites(settings: Settings) -> dict[str, "ExpectationSuite"]:
    """The suites on figures by their names in the results: ours, then the user's own.

    Raises:
        SettingsError: A suite of the user's own is missing or cannot be built.
    """
    from expectations import custom_suites, figures

    thresholds = Thresholds.of(settings)
    suites = {FIGURES: figures.suite(thresholds)}
    return suites | {
        reference: custom_suites.build(reference, thresholds, settings.folder)
        for reference in settings.quality.figures_suites
    }


def rows_suites(settings: Settings, day: date, quote: Callable[[str], str]) -> dict[str, "ExpectationSuite"]:
    """The suites on the staged rows of a day, likewise.

    Raises:
        SettingsError: A suite of the user's own is missing or cannot be built.
    """
    from expectations import custom_suites, rows

    thresholds = RowThresholds.for_day(settings, day)
    suites = {ROWS: rows.suite(thresholds, quote)}
    return suites | {
        reference: custom_suites.build(reference, thresholds, settings.folder)
        for reference in settings.quality.rows_suites
    }


def stored_rows(settings: Settings, stored: Mapping[date, DayProfile], shown: Collection[date]) -> list[DayRow]:
    """The rows of days that were staged before, from their profiles; nothing is staged again.

    Args:
        settings: Of today.
        stored: Profiles, with those of the days before.
        shown: The days wanted.
    """
    known = {day: told.profile for day, told in stored.items()}
    return [
        DayRow.of(told, drift_of(day, told.figures, known, settings), settings.quality)
        for day, told in stored.items()
        if day in shown
    ]


def judge_rows_of_figures(settings: Settings, rows: Sequence[DayRow]) -> dict[date, list[Finding]]:
    """Judges figures that are known already, with the thresholds of these settings; no staged row is read."""
    if not rows:
        return {}
    from expectations import validation
    from expectations.gx import quiet_context

    with _auditing:
        return validation.judge_figures(quiet_context(), rows, figures_suites(settings))


def _batches(staged: Sequence[StagedDay]) -> list[list[StagedDay]]:
    """Days that were staged together, which are in one table."""
    tables: dict[str, list[StagedDay]] = {}
    for day in staged:
        tables.setdefault(day.stage_table, []).append(day)
    return list(tables.values())


def _ours_on_batch(
    settings: Settings, batch: Sequence[StagedDay], source: "StagedRowsDatasource", access: RowAccess
) -> list[Finding] | None:
    """What our suite finds on days of a batch together; None where it fails or cannot be judged, so that each day is asked."""
    from expectations import data_source, rows, validation
    from expectations.gx import TestConnectionError

    thresholds = RowThresholds.for_day(settings, batch[0].day)
    suites = {ROWS: rows.batch_suite(thresholds, access.quote)}
    columns = [*rows.judged_columns(thresholds), STAGED_DAY, STAGED_IN_DAY]
    try:
        with access.narrowed(batch[0].judged_table or batch[0].stage_table, columns, None) as table:
            found = validation.judge_rows(data_source.staged_rows(source, table), suites)
    except (TestConnectionError, DayError):
        return None
    return found if all(finding.success for finding in found) else None


def _findings_of_day(
    settings: Settings,
    staged: StagedDay,
    ours_on_batch: list[Finding] | None,
    source: "StagedRowsDatasource",
    access: RowAccess,
) -> list[Finding]:
    from expectations import data_source, rows, validation
    from expectations.gx import TestConnectionError

    suites = rows_suites(settings, staged.day, access.quote)
    ours = {ROWS: suites.pop(ROWS)}
    found = list(ours_on_batch or ())
    try:
        if not found:
            columns = rows.judged_columns(RowThresholds.for_day(settings, staged.day))
            with access.narrowed(staged.judged_table or staged.stage_table, columns, staged.day) as table:
                found += validation.judge_rows(data_source.staged_rows(source, table), ours)
        if suites:  # the user's own may read any column
            with access.narrowed(staged.stage_table, None, staged.day) as table:
                found += validation.judge_rows(data_source.staged_rows(source, table), suites)
    except TestConnectionError:
        why = f"the staged rows ({staged.stage_table}) could not be read"
    except DayError as err:
        why = f"the staged rows ({staged.stage_table}) could not be judged: {err}"
    else:
        return found
    return [Finding(ROWS, ROWS_AUDITED, Severity.CRITICAL, success=False, note=why)]
