"""The rows suite: an audit of the staged rows themselves, in statements that Great Expectations writes.

The staged day has the source's columns and `row_num` (1 = kept, NULL = invalid), `rejection_reason`, `is_exact_copy`.
"""

from collections.abc import Callable

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

REASONS = ("Duplicate event", "Missing insert id", "Missing event time", "Event time in the future")


def suite(thresholds: RowThresholds, quote: Callable[[str], str]) -> ExpectationSuite:
    """What the rows of one staged day must fulfil; whatever fails blocks the day.

    Args:
        thresholds: The day, its bounds in UTC, and the columns that make two rows copies of one event.
        quote: Quotes an identifier as the engine does.

    Returns:
        A suite for a table that holds the staged day alone.
    """
    kept = Column("row_num") == 1
    rejected = (Column("row_num") != 1) | Column("row_num").is_null()
    columns = thresholds.columns
    expectations: list[Expectation] = [
        _keys_unique(thresholds, quote),
        ExpectColumnValuesToNotBeNull(column=columns.time, row_condition=kept, meta={"name": "kept_time_not_null"}),
        ExpectColumnValuesToBeBetween(
            column=columns.time,
            min_value=thresholds.day_start,
            max_value=thresholds.day_end,
            strict_max=True,
            row_condition=kept,
            meta={"name": "kept_time_in_day"},
        ),
        ExpectColumnValuesToBeNull(column="rejection_reason", row_condition=kept, meta={"name": "kept_without_reason"}),
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
                column=columns.insert_id, row_condition=kept, meta={"name": "kept_insert_id_not_null"}
            )
        )
    return ExpectationSuite(name="rows", expectations=expectations)


def judged_columns(thresholds: RowThresholds) -> list[str]:
    """The columns of the staged day that the suite reads."""
    names = [part.name for part in thresholds.key]
    return list(
        dict.fromkeys([*names, thresholds.columns.time, thresholds.columns.insert_id, "row_num", "rejection_reason"])
    )


def _keys_unique(thresholds: RowThresholds, quote: Callable[[str], str]) -> UnexpectedRowsExpectation:
    """Keys that are kept more than once; NULLs of an optional part are equal, and a NULL in another makes no key.

    Great Expectations' own `ExpectCompoundColumnsToBeUnique` joins the counted keys to the rows again, which costs three
    times as much, and on equality, so that it never sees a key with a NULL in it.
    """
    names = {part: _in_query(quote(part.name)) for part in thresholds.key}
    required = "".join(f" AND staged.{name} IS NOT NULL" for part, name in names.items() if not part.optional)
    key = ", ".join(f"staged.{name}" for name in names.values())
    return UnexpectedRowsExpectation(
        unexpected_rows_query=(
            f"SELECT COUNT(*) AS copies FROM (SELECT * FROM {{batch}}) AS staged "
            f"WHERE staged.row_num = 1{required} GROUP BY {key} HAVING COUNT(*) > 1"
        ),
        meta={"name": "kept_keys_unique"},
    )


def _in_query(identifier: str) -> str:
    """An identifier in a query that Great Expectations formats with `{batch}`, and SQLAlchemy reads for `:parameters`."""
    return identifier.replace("{", "{{").replace("}", "}}").replace(":", "\\:")
