"""The columns of our own small tables: what a table that an earlier version made lacks."""

from collections.abc import Collection

import sqlglot
from sqlglot import exp


def missing_columns(create: str, dialect: str, present: Collection[str]) -> list[tuple[str, str]]:
    """What a table lacks of a CREATE TABLE.

    Returns:
        Names and types in the engine's words, in the statement's order.
    """
    defined = sqlglot.parse_one(create, dialect).find_all(exp.ColumnDef)
    wanted = [(column.name, column.args["kind"].sql(dialect)) for column in defined]
    return [(name, kind) for name, kind in wanted if name not in present]
