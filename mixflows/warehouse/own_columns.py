"""The columns of our own small tables: what a table that an earlier version made lacks."""

from collections.abc import Collection

import sqlglot
from sqlglot import exp


def missing_columns(create: str, dialect: str, present: Collection[str]) -> list[tuple[str, str]]:
    """What a table lacks of a CREATE TABLE.

    Returns:
        Names and types in the engine's words, in the statement's order.
    """
    columns = sqlglot.parse_one(create, dialect).this.expressions  # of the table; a STRUCT has its own
    wanted = [(c.name, c.args["kind"].sql(dialect)) for c in columns if isinstance(c, exp.ColumnDef)]
    return [(name, kind) for name, kind in wanted if name not in present]
