"""Statements that a wide source, or many days, make longer than BigQuery takes."""

from collections.abc import Callable

from mixflows.errors import SourceColumnsError
from mixflows.warehouse.source import Source

LONGEST = 2**20
"""Bytes of a statement's text. Source: https://cloud.google.com/bigquery/quotas, "maximum unresolved standard SQL query length"."""
WIDE = (
    ("copies", ("touched", "retain")),
    ("touched", ("content",)),
    ("changes", ()),
    ("rejected_next", ("published", "touched")),
    ("stage", ("retain",)),
)
"""The statements that name every column, or the days, most often, with their flags."""


def days_that_fit(source: Source, rendered: Callable[[str, tuple[str, ...], int], str]) -> int:
    """How many days a batch may have so that no statement is too long.

    Args:
        rendered: Gives the text of a statement of `sql/`, by its name, flags and number of days, no two of which follow each other.

    Raises:
        SourceColumnsError: A statement over one day is too long, by the source's many columns. Nothing was written.
    """
    fit: list[int] = []
    for name, flags in WIDE:
        one, two = (len(rendered(name, flags, days).encode()) for days in (1, 2))
        if one > LONGEST:
            raise SourceColumnsError(
                f"the source has {len(source.columns):,} columns, and a statement that names them all has {one:,} bytes;"
                f" BigQuery takes {LONGEST:,}",
                "Nothing was written. Let the source keep rare properties in one JSON column instead of a column each.",
            )
        fit.append(1 + (LONGEST - one) // (two - one))
    return min(fit)
