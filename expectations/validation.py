"""Runs suites over batches and turns every result into findings."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from expectations.data_source import NO_SAMPLES
from expectations.figures_table import DAY, DayRow, table
from expectations.gx import (
    Batch,
    BatchDefinition,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    EphemeralDataContext,
    Expectation,
    ExpectationSuite,
    ExpectationValidationResult,
    FailureSeverity,
    MulticolumnMapExpectation,
)
from expectations.thresholds import FIGURES, ROWS
from mixflows.errors import DayError
from mixflows.verdict import Finding, Severity

NAMES_THE_DAYS: dict[str, Any] = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [DAY],
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}
"""Which days fail, and nothing that is not needed for it: the rest of a complete result costs a fifth of the time."""
WHETHER: dict[str, Any] = {"result_format": "BOOLEAN_ONLY"}
"""Whether all days pass; naming the days that fail takes nearly as long again."""
POSITION = "position"
PerValue = ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation

ERRORS_WITHOUT_DATA = ("Error: The column", "Binder Error", "Catalog Error", "Parser Error")

Findings = dict[date, list[Finding]]


@dataclass(frozen=True)
class Reading:
    """One expectation's result on one batch.

    Attributes:
        name: `meta["name"]` of the expectation, else its type and columns.
        type: The expectation's class in snake case, as Great Expectations names it.
        threshold: The greatest number allowed, where there is one.
        minimum: The smallest number allowed, where there is one.
        columns: The columns it is about.
        error: Why it could not be judged; empty where it could.
    """

    name: str
    type: str
    severity: Severity
    success: bool
    threshold: float | None
    minimum: float | None
    columns: tuple[str, ...]
    result: Mapping[str, Any]
    error: str

    @classmethod
    def of(cls, expectation: Expectation, result: ExpectationValidationResult) -> "Reading":
        """Reads the result of an expectation."""
        config = expectation.configuration
        columns = _columns(config.kwargs)
        given = (config.meta or {}).get("name")
        return cls(
            name=str(given) if given else f"{config.type}({', '.join(columns)})" if columns else config.type,
            type=config.type,
            severity=Severity.CRITICAL if expectation.severity == FailureSeverity.CRITICAL else Severity.WARNING,
            success=bool(result.success),
            threshold=_number(config.kwargs.get("max_value")),
            minimum=_number(config.kwargs.get("min_value")),
            columns=columns,
            result=result.result or {},
            error=_error(result.exception_info or {}),
        )

    @property
    def error_without_data(self) -> str:
        """The error as far as it cannot quote a row: engines quote the value that they stumbled over."""
        message = re.sub(r"^\(\S+\) ", "", self.error)
        kind, colon, _ = message.partition(":")
        return message if message.startswith(ERRORS_WITHOUT_DATA) else kind if colon else "unknown error"


def judge_figures(
    context: EphemeralDataContext, days: Sequence[DayRow], suites: Mapping[str, ExpectationSuite]
) -> Findings:
    """Judges the figures of all days, each day alone.

    Expectations on single values are judged for all days in one validation. Those on a whole table (a mean, a row
    count) are judged for each day by itself, so that no day's verdict depends on the days judged beside it.

    Args:
        context: A context of this call's own.
        days: One row a day.
        suites: Suites by their names in the results.

    Returns:
        Findings of every day, in the order of the suites and of the expectations in each.

    Raises:
        DayError: One of our expectations could not be judged at all.
    """
    frame = table(days)
    batches = context.data_sources.add_pandas("figures").add_dataframe_asset("days")
    whole = batches.add_batch_definition_whole_dataframe("all")
    all_days = whole.get_batch({"dataframe": frame})
    found: Findings = {row.day: [] for row in days}
    for name, suite in suites.items():
        expectations = list(suite.expectations)
        together = [e for e in expectations if isinstance(e, PerValue)]
        alone = [e for e in expectations if not isinstance(e, PerValue)]
        shared = dict(zip(map(id, together), _read_days(all_days, together), strict=True))
        failing = {key: _failing_days(reading, found.keys()) for key, reading in shared.items()}
        for position, row in enumerate(days):
            own: dict[int, Reading] = {}
            if alone:
                one_day = whole.get_batch({"dataframe": frame.iloc[[position]].reset_index(drop=True)})
                own = dict(zip(map(id, alone), _read(one_day, alone, WHETHER), strict=True))
            for key in map(id, expectations):
                if key in shared:
                    reading, success = shared[key], row.day not in failing[key]
                else:
                    reading, success = own[key], own[key].success
                finding = _figure_finding(name, reading, row, success=success, per_value=key in shared)
                if reading.error and name == FIGURES:
                    raise DayError(f"{finding.expectation} could not be judged on {row.day}: {reading.error}")
                found[row.day].append(finding)
    return found


def judge_rows(rows: BatchDefinition[Any], suites: Mapping[str, ExpectationSuite]) -> list[Finding]:
    """Judges the staged rows of one day. Only counts come back, never what the rows hold.

    Args:
        rows: The staged day.
        suites: Suites by their names in the results.

    Raises:
        DayError: One of our expectations could not be judged at all.
    """
    batch = rows.get_batch()
    found: list[Finding] = []
    for name, suite in suites.items():
        for reading in _read(batch, list(suite.expectations), NO_SAMPLES):
            if reading.error and name == ROWS:
                raise DayError(f"{reading.name} could not be judged: {reading.error_without_data}")
            found.append(_rows_finding(name, reading))
    return found


def _read(batch: Batch, expectations: Sequence[Expectation], result_format: dict[str, Any]) -> list[Reading]:
    """Results come back in another order than the suite's, hence the positions."""
    if not expectations:
        return []
    for position, expectation in enumerate(expectations):
        expectation.meta = {**(expectation.meta or {}), POSITION: position}
    suite = ExpectationSuite(name="judged", expectations=list(expectations))
    results = batch.validate(suite, result_format=result_format).results
    ordered = sorted(results, key=_position)
    return [Reading.of(expectation, result) for expectation, result in zip(expectations, ordered, strict=True)]


def _read_days(all_days: Batch, expectations: Sequence[PerValue]) -> list[Reading]:
    """Those that do not hold name the days that fail; so do those that hold mostly, as a day's only value may not."""
    readings = _read(all_days, expectations, WHETHER)
    in_doubt = [
        place
        for place, (expectation, reading) in enumerate(zip(expectations, readings, strict=True))
        if not reading.success or expectation.mostly != 1
    ]
    named = _read(all_days, [expectations[place] for place in in_doubt], NAMES_THE_DAYS)
    for place, reading in zip(in_doubt, named, strict=True):
        readings[place] = reading
    return readings


def _position(result: ExpectationValidationResult) -> int:
    config = result.expectation_config
    return config.meta[POSITION] if config and config.meta else 0


def _failing_days(reading: Reading, days: Collection[date]) -> set[date]:
    named = {date.fromisoformat(entry[DAY]) for entry in reading.result.get("unexpected_index_list") or ()}
    return named if named or reading.success else set(days)


def _figure_finding(suite: str, reading: Reading, row: DayRow, *, success: bool, per_value: bool) -> Finding:
    observed = row.values.get(reading.columns[0]) if len(reading.columns) == 1 else None
    note = "; ".join(dict.fromkeys(row.notes[column] for column in reading.columns if column in row.notes))
    if reading.error:
        success, note = False, f"could not be judged: {reading.error}"
    elif note and observed is None and not per_value:
        success = True
    elif success and observed is not None:
        note = ""
    elif not success and reading.minimum is not None:
        note = f"allowed: at least {reading.minimum:,.10g}"
    return Finding(
        suite=suite,
        expectation=reading.name,
        severity=reading.severity,
        success=success,
        observed_value=None if observed is None else float(observed),
        threshold=reading.threshold,
        note=note,
    )


def _rows_finding(suite: str, reading: Reading) -> Finding:
    result = reading.result
    count = result.get("observed_value" if reading.type == "unexpected_rows_expectation" else "unexpected_count", 0)
    judges_rows = reading.type == "unexpected_rows_expectation" or "unexpected_count" in result
    return Finding(
        suite=suite,
        expectation=reading.name,
        severity=reading.severity,
        success=reading.success and not reading.error,
        threshold=reading.threshold,
        unexpected_count=int(count or 0) if judges_rows and not reading.error else None,
        note=f"could not be judged: {reading.error_without_data}" if reading.error else "",
    )


def _columns(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if isinstance(kwargs.get(key), str)]
    return (*named, *(name for name in kwargs.get("column_list") or () if isinstance(name, str)))


def _number(bound: object) -> float | None:
    return float(bound) if isinstance(bound, int | float) and not isinstance(bound, bool) else None


def _error(info: Mapping[str, Any]) -> str:
    raised = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    messages = [str(entry.get("exception_message") or "unknown") for entry in raised if entry.get("raised_exception")]
    return messages[0].strip().splitlines()[0] if messages else ""
