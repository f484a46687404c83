"""Whether a statement names its one day in words that let BigQuery leave out all other partitions.

BigQuery prunes on constants that are compared with the bare partition column: in WHERE, in the ON of a MERGE, or in the
search condition of one of its clauses. A day that comes from a join, or from a function around the column, does not prune.
Source: https://cloud.google.com/bigquery/docs/querying-partitioned-tables
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import cast

from sqlglot import exp

DAY_COLUMNS = {"partition_date", "_PARTITIONDATE"}


class UnprunedError(Exception):
    """A partitioned table is read or written without its one day."""


def day_columns(tree: exp.Expr, partitioned: Mapping[str, str]) -> Iterator[tuple[exp.Table, str]]:
    """Each mention of a partitioned table, with the column that it is partitioned by."""
    for table in tree.find_all(exp.Table):
        name = ".".join(part.name for part in table.parts)
        if name in partitioned:
            yield table, partitioned[name]


def check(tree: exp.Expr, partitioned: Mapping[str, str], day: date, bounds: tuple[str, str]) -> int:
    """Holds every mention of a partitioned table against the rule.

    Args:
        tree: A statement, parsed.
        partitioned: The partition column by the table's whole name.
        day: The day of the statement.
        bounds: The day's bounds in UTC, as written, where a table is partitioned by an instant.

    Returns:
        How many mentions there were.

    Raises:
        UnprunedError: One names no day, or another one.
    """
    mentions = list(day_columns(tree, partitioned))
    for table, column in mentions:
        tests = [test for condition in _conditions(table) for test in _conjuncts(condition)]
        if not _names_day(tests, table.alias_or_name, column, day, bounds):
            raise UnprunedError(f"{table.sql('bigquery')}: {column} is held against no constant day")
    # An instant may be looked at in other ways besides; the day has no other use in a condition.
    columns = {column for _, column in mentions if column in DAY_COLUMNS}
    for literal in tree.find_all(exp.Cast):
        if literal.is_type("date") and isinstance(literal.this, exp.Literal) and literal.this.name != str(day):
            raise UnprunedError(f"another day: {literal.sql('bigquery')}")
    for condition in tree.find_all(exp.Where, exp.Join, exp.Merge):
        on = condition.args.get("on") or condition.this
        for found in on.find_all(exp.Column) if isinstance(on, exp.Expr) else ():
            if found.name in columns and isinstance(found.parent, exp.Func | exp.Cast) and found.parent is not on:
                raise UnprunedError(f"a function around the day: {found.parent.sql('bigquery')}")
    return len(mentions)


def _conditions(table: exp.Table) -> Iterator[exp.Expr]:
    """The conditions that BigQuery prunes this mention by."""
    parent = table.parent
    if isinstance(parent, exp.Merge):
        yield parent.args["on"]
        # Of the clauses, only those that touch rows of the table: all of them must name the day.
        touching = [w for w in parent.args["whens"].expressions if w.args["matched"] or w.args.get("source")]
        if parent.args["on"].sql() == "FALSE" and len(touching) == 1 and touching[0].args.get("condition"):
            yield touching[0].args["condition"]
        return
    if isinstance(parent, exp.Join):
        if parent.side not in ("LEFT", "FULL") and parent.args.get("on"):
            yield parent.args["on"]
        parent = parent.parent
    elif isinstance(parent, exp.From):
        parent = parent.parent
    if isinstance(parent, exp.Select) and (where := parent.args.get("where")) is not None:
        yield where.this


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if isinstance(condition, exp.And):
        yield from _conjuncts(cast("exp.Expr", condition.left))
        yield from _conjuncts(cast("exp.Expr", condition.right))
    else:
        yield condition


def _names_day(tests: list[exp.Expr], alias: str, column: str, day: date, bounds: tuple[str, str]) -> bool:
    def held(kind: type[exp.Expr], value: str) -> bool:
        return any(
            type(test) is kind
            and isinstance(test.this, exp.Column)
            and test.this.name == column
            and test.this.table == alias
            and isinstance(test.expression, exp.Cast)
            and isinstance(test.expression.this, exp.Literal)
            and test.expression.this.name == value
            for test in tests
        )

    return held(exp.EQ, str(day)) or (held(exp.GTE, bounds[0]) and held(exp.LT, bounds[1]))
