"""Expectations of your own: copy this file beside `mixflows.toml` and name its functions there.

```toml
[quality]
figures_suites = ["own_expectations:figures"]
rows_suites = ["own_expectations:rows"]

[quality.own.strict_late_rate]
warning = 0.02
critical = 0.2
```
"""

import great_expectations as gx
from great_expectations.expectations.row_conditions import Column

from expectations.figures import at_most
from expectations.thresholds import RowThresholds, Thresholds

FEWEST_KEPT_ROWS = 500


def figures(thresholds: Thresholds) -> gx.ExpectationSuite:
    """A day must have few late events, by bounds in the settings, and not too few events at all."""
    return gx.ExpectationSuite(
        name="own figures",
        expectations=[
            *at_most("late_rate", thresholds.own_bounds("strict_late_rate"), name="strict_late_rate"),
            gx.expectations.ExpectColumnValuesToBeBetween(
                column="kept_rows",
                min_value=FEWEST_KEPT_ROWS,
                severity="warning",
                meta={"name": "enough_kept_rows"},
            ),
        ],
    )


def rows(thresholds: RowThresholds) -> gx.ExpectationSuite:
    """Every kept event must have a user."""
    return gx.ExpectationSuite(
        name="own rows",
        expectations=[
            gx.expectations.ExpectColumnValuesToNotBeNull(
                column=thresholds.columns.distinct_id,
                row_condition=Column("row_num") == 1,
                severity="critical",
                meta={"name": "kept_distinct_id_not_null"},
            ),
        ],
    )
