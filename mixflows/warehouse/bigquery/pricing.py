"""Statements as they can be priced before their short-lived tables exist.

A dry run needs every table that a statement reads. A day's staged table does not exist yet, but its rows are the source
day's: the statement is priced over the source day in its place, with the same columns. The copies, about one row in
450, and the rows to reject are priced as empty.
"""

from functools import cache

from mixflows.warehouse.rendering import DAY_TABLES, Expressions, quote
from mixflows.warehouse.source import SourceShape

LEAST_BYTES = 10 * 2**20
"""The least that is billed for each table that a statement references.

Source: https://cloud.google.com/bigquery/pricing, "on-demand compute pricing".
"""


def priceable(text: str, real: dict[str, str], source: str, shape: SourceShape, x: Expressions) -> str:
    """A rendered statement with stand-ins for the short-lived tables that it reads.

    Args:
        text: The statement, with the short-lived tables unbound.
        real: The quoted names of those that it makes, by role.
        source: The source's quoted name.
        shape: The source's columns.
        x: How the source day is selected.
    """
    for name in DAY_TABLES:
        text = text.replace(f"CREATE OR REPLACE TABLE `__{name}__`", f"CREATE OR REPLACE TABLE {real[name]}")
    for name, stand_in in _stand_ins(source, shape, x).items():
        text = text.replace(f"`__{name}__`", f"({stand_in})")
    return text


def billed(read: int, text: str) -> int:
    """Bytes that a statement is billed for, at least.

    Args:
        read: By its dry run, of all its tables together. Where nothing is read, nothing is billed.
        text: The statement with its short-lived tables. They have their own least bytes, as they will hold rows, whatever
            stands in for them.
    """
    tables = _tables_read(text)
    holds_rows = read or any(f"__{name}__" in tables for name in ("copies", "rejected_next"))
    return max(read, len(tables) * LEAST_BYTES) if holds_rows else 0


@cache
def _tables_read(text: str) -> frozenset[str]:
    import sqlglot
    from sqlglot import exp

    statement = sqlglot.parse_one(text, "bigquery")
    made = statement.this if isinstance(statement, exp.Create) else None
    tables = (table for table in statement.find_all(exp.Table) if table is not made)
    # Every table's name is quoted, and no relation's within the statement is.
    return frozenset(exp.table_name(table) for table in tables if table.this.quoted)


def _stand_ins(source: str, shape: SourceShape, x: Expressions) -> dict[str, str]:
    columns = ", ".join(f"CAST(NULL AS {c.type}) AS {quote(c.name)}" for c in shape.columns)
    day = "" if shape.has_day_column else ", CAST(NULL AS DATE) AS `partition_date`"
    judged = (
        "CAST(NULL AS INT64) AS row_num, CAST(NULL AS STRING) AS rejection_reason, CAST(NULL AS BOOL) AS is_exact_copy"
    )
    fingerprint = "CAST(NULL AS STRING) AS fingerprint"
    nothing = "FROM UNNEST([1]) AS nothing WHERE FALSE"
    return {
        "stage": (
            f"SELECT {x.columns('d')}, 1 AS row_num, CAST(NULL AS STRING) AS rejection_reason,"
            f" CAST(NULL AS BOOL) AS is_exact_copy, {fingerprint} FROM {source} AS d WHERE {x.in_day('d')}"
        ),
        "copies": f"SELECT {columns}, {judged}, {fingerprint}, FALSE AS is_contested {nothing}",
        "rejected_next": (
            f"SELECT {columns}{day}, {judged}, CAST(NULL AS TIMESTAMP) AS rejection_timestamp,"
            f" CAST(NULL AS STRING) AS run_id {nothing}"
        ),
    }
