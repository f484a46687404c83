"""Statements that a wide source makes longer than BigQuery takes."""

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
)
"""The statements that name every column most often, with their flags."""


def refuse_long_statements(source: Source, rendered: Callable[[str, tuple[str, ...]], str]) -> None:
    """Refuses a source of so many columns that a statement over one of its days is too long.

    Args:
        rendered: Gives the text of a statement of `sql/` over one day, by its name and flags.

    Raises:
        SourceColumnsError: Nothing was written.
    """
    length = max(len(rendered(name, flags).encode()) for name, flags in WIDE)
    if length > LONGEST:
        raise SourceColumnsError(
            f"the source has {len(source.columns):,} columns, and a statement that names them all has {length:,} bytes;"
            f" BigQuery takes {LONGEST:,}",
            "Nothing was written. Let the source keep rare properties in one JSON column instead of a column each.",
        )
