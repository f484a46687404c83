"""What sqlglot does for us: statements in DuckDB's dialect, and the columns that a CREATE TABLE names."""

from collections.abc import Collection
from functools import cache


def missing_columns(create: str, dialect: str, present: Collection[str]) -> list[tuple[str, str]]:
    """What a table lacks of a CREATE TABLE.

    Returns:
        Names and types in the engine's words, in the statement's order.
    """
    import sqlglot
    from sqlglot import exp

    columns = sqlglot.parse_one(create, dialect).this.expressions  # of the table; a STRUCT has its own
    named = [(c.name, c.args["kind"].sql(dialect)) for c in columns if isinstance(c, exp.ColumnDef)]
    return [(name, kind) for name, kind in named if name not in present]


@cache
def in_duckdb(statement: str) -> str:
    """A statement of BigQuery's dialect in DuckDB's; translated once a process."""
    import sqlglot

    # Partitioning and clustering have no counterpart here, and sqlglot says so on every CREATE.
    ignoring = sqlglot.ErrorLevel.IGNORE
    [translated] = sqlglot.transpile(statement, "bigquery", "duckdb", unsupported_level=ignoring, comments=False)
    return translated
