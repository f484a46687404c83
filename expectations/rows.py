"""The rows suite: an audit of the staged rows themselves, in statements that Great Expectations writes.

A staged day has the source's columns and `row_num` (1 = kept, NULL = invalid), `rejection_reason`, `is_exact_copy`.
The days of a batch are judged together, and one by one only where something fails.
"""

from collections.abc import Callable, Sequence

from expectations.gx import (
    Column,
    Expectation,
    ExpectationSuite,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToNotBeNull,
    UnexpectedRowsExpectation,
)
from expectations.thresholds import RowThresholds
from mixflows.warehouse.source import REASONS, STAGED_DAY, STAGED_IN_DAY

KEPT = Column("row_num") == 1


def suite(thresholds: RowThresholds, quote: Callable[[str], str]) -> ExpectationSuite:
    """What the rows of one staged day must fulfil; whatever fails blocks the day.

    Args:
        thresholds: The day, its bounds in UTC, and the columns that make two rows copies of one event.
        quote: Quotes an identifier as the engine does.

    Returns:
        A suite for a table that holds the staged day alone.
    """
    time_in_day = ExpectColumnValuesToBeBetween(
        column=thresholds.columns.time,
        min_value=thresholds.day_start,
        max_value=thresholds.day_end,
        strict_max=True,
        row_condition=KEPT,
        meta={"name": "kept_time_in_day"},
    )
    return _suite(thresholds, time_in_day, [_in_query(quote(part.name)) for part in thresholds.key], quote)


def batch_suite(thresholds: RowThresholds, quote: Callable[[str], str]) -> ExpectationSuite:
    """The same of all days of a batch: where it holds, it holds of each day.

    Args:
        thresholds: Of any of the days.
        quote: Quotes an identifier as the engine does.

    Returns:
        A suite for a table that holds the staged days, with the day and whether the event time lies in it.
    """
    time_in_day = ExpectColumnValuesToBeInSet(
        column=STAGED_IN_DAY, value_set=[True], row_condition=KEPT, meta={"name": "kept_time_in_day"}
    )
    key = [quote(STAGED_DAY), *(_in_query(quote(part.name)) for part in thresholds.key)]
    return _suite(thresholds, time_in_day, key, quote)


def _suite(
    thresholds: RowThresholds, time_in_day: Expectation, key: Sequence[str], quote: Callable[[str], str]
) -> ExpectationSuite:
    rejected = (Column("row_num") != 1) | Column("row_num").is_null()
    columns = thresholds.columns
    expectations: list[Expectation] = [
        _keys_unique(thresholds, key, quote),
        ExpectColumnValuesToNotBeNull(column=columns.time, row_condition=KEPT, meta={"name": "kept_time_not_null"}),
        time_in_day,
        ExpectColumnValuesToBeNull(column="rejection_reason", row_condition=KEPT, meta={"name": "kept_without_reason"}),
        ExpectColumnValuesToNotBeNull(
            column="rejection_reason", row_condition=rejected, meta={"name": "rejected_with_reason"}
        ),
        ExpectColumnValuesToBeInSet(
            column="rejection_reason", value_set=list(REASONS), meta={"name": "rejection_reason_known"}
        ),
    ]
    if thresholds.insert_id_required:
        expectations.append(
            ExpectColumnValuesToNotBeNull(
                column=columns.insert_id, row_condition=KEPT, meta={"name": "kept_insert_id_not_null"}
            )
        )
    return ExpectationSuite(name="rows", expectations=expectations)


def judged_columns(thresholds: RowThresholds) -> list[str]:
    """The columns of a staged day that its suite reads."""
    names = [part.name for part in thresholds.key]
    roles = [thresholds.columns.time, thresholds.columns.insert_id]
    return list(dict.fromkeys([*names, *roles, "row_num", "rejection_reason"]))


def _keys_unique(
    thresholds: RowThresholds, key: Sequence[str], quote: Callable[[str], str]
) -> UnexpectedRowsExpectation:
    """Keys that are kept more than once; NULLs of an optional part are equal, and a NULL in another makes no key.

    Great Expectations' own `ExpectCompoundColumnsToBeUnique` joins the counted keys to the rows again, which costs three
    times as much, and on equality, so that it never sees a key with a NULL in it.
    """
    required = "".join(
        f" AND staged.{_in_query(quote(part.name))} IS NOT NULL" for part in thresholds.key if not part.optional
    )
    columns = ", ".join(f"staged.{name}" for name in key)
    return UnexpectedRowsExpectation(
        unexpected_rows_query=(
            f"SELECT COUNT(*) AS copies FROM (SELECT * FROM {{batch}}) AS staged "
            f"WHERE staged.row_num = 1{required} GROUP BY {columns} HAVING COUNT(*) > 1"
        ),
        meta={"name": "kept_keys_unique"},
    )


def _in_query(identifier: str) -> str:
    """An identifier in a query that Great Expectations formats with `{batch}`, and SQLAlchemy reads for `:parameters`."""
    return identifier.replace("{", "{{").replace("}", "}}").replace(":", "\\:")
