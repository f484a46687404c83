"""The figures suite: judges the figures of staged days, one row a day (see `expectations.figures_table` for the columns)."""

from expectations.figures_table import DUPLICATES_LEFT
from expectations.gx import ExpectationSuite, ExpectColumnValuesToBeBetween, FailureSeverity
from expectations.thresholds import Thresholds
from mixflows.settings import Bounds


def suite(thresholds: Thresholds) -> ExpectationSuite:
    """What every staged day's figures must fulfil.

    Args:
        thresholds: Bounds of the rates; a bound that is None has no expectation.

    Returns:
        A suite for a table with one row per day.
    """
    judged = {name: name for name in thresholds.rates} | {"duplicate_rate": DUPLICATES_LEFT}
    expectations = [
        expectation
        for name, bounds in thresholds.rates.items()
        for expectation in at_most(judged[name], bounds, name=name)
    ]
    expectations += [
        none_of("unevenly_kept_keys", name="kept_keys_unique"),
        none_of("kept_null_key_rows", name="no_null_key_parts"),
        none_of("kept_other_day_rows", name="kept_rows_in_day"),
        none_of("unaccounted_rows", name="figures_add_up"),
        *at_most("gone_events", Bounds(warning=0)),
    ]
    if thresholds.deletes_block:
        expectations.append(none_of("source_deleted_rows", name="source_deletes"))
    return ExpectationSuite(name="figures", expectations=expectations)


def at_most(column: str, bounds: Bounds, *, name: str | None = None) -> list[ExpectColumnValuesToBeBetween]:
    """A figure that must not exceed its bounds; a figure at the bound passes, an unknown one too.

    Args:
        column: The figure.
        bounds: Up to one expectation for each bound that is set.
        name: What results are recorded under; by default the figure's name.
    """
    bound_of = {FailureSeverity.WARNING: bounds.warning, FailureSeverity.CRITICAL: bounds.critical}
    return [
        ExpectColumnValuesToBeBetween(column=column, max_value=bound, severity=severity, meta={"name": name or column})
        for severity, bound in bound_of.items()
        if bound is not None
    ]


def none_of(column: str, *, name: str | None = None) -> ExpectColumnValuesToBeBetween:
    """A count that must be 0, else the day is blocked."""
    (expectation,) = at_most(column, Bounds(critical=0), name=name)
    return expectation
