"""What sqlglot does for us: statements in DuckDB's dialect, and the columns that a CREATE TABLE names."""

import json
from collections.abc import Collection

from mixflows.warehouse.asked_once import asked_once


def missing_columns(create: str, dialect: str, present: Collection[str]) -> list[tuple[str, str]]:
    """What a table lacks of a CREATE TABLE.

    Returns:
        Names and types in the engine's words, in the statement's order.
    """
    return [(name, kind) for name, kind in json.loads(asked_once(_columns, create, dialect)) if name not in present]


def _columns(create: str, dialect: str) -> str:
    import sqlglot
    from sqlglot import exp

    columns = sqlglot.parse_one(create, dialect).this.expressions  # of the table; a STRUCT has its own
    return json.dumps([(c.name, c.args["kind"].sql(dialect)) for c in columns if isinstance(c, exp.ColumnDef)])


def in_duckdb(statement: str, dialect: str) -> str:
    """A statement of another dialect in DuckDB's."""
    import sqlglot

    # Partitioning and clustering have no counterpart here, and sqlglot says so on every CREATE.
    ignoring = sqlglot.ErrorLevel.IGNORE
    [translated] = sqlglot.transpile(statement, dialect, "duckdb", unsupported_level=ignoring, comments=False)
    return translated
