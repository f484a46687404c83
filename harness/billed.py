"""What BigQuery bills a statement for: the columns that it references, in the days that it names.

Told from the statement's text, as the API server on loopback knows the jobs but not their bytes. Each time that a statement
names a table counts by itself; BigQuery may bill a table once. A MERGE that updates or deletes is billed for all columns
of the partitions that it changes besides.
Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax, on-demand query size calculation.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp, parse_one
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

DAY = "partition_date"
STAGED = {
    "mf__day": 0.0,
    "mf__in_day": 1.0,
    "mf__gone": 1.0,
    "row_num": 8.0,
    "rejection_reason": 0.0,
    "is_exact_copy": 0.0,
}
"""The columns that staging adds, and their bytes in a row; what is NULL in nearly all rows costs nothing, and the day, as
in the source, is left out."""


@dataclass(frozen=True)
class Read:
    """One reference to a table; `days` is None where the statement names none, and reads all of it."""

    table: str
    columns: frozenset[str]
    days: frozenset[date] | None


def reads(sql: str, columns: Mapping[str, Collection[str]], *, dialect: str = "bigquery") -> list[Read]:
    """Every reference to one of these tables.

    Args:
        columns: Of the tables that count, by their bare names; what is read of others is left out.

    Raises:
        ValueError: A kind of statement that is not known here.
    """
    statement = parse_one(sql, dialect=dialect)
    if not any(table.name in columns for table in statement.find_all(exp.Table)):
        return []
    for table in statement.find_all(exp.Table):
        table.set("db", None)
        table.set("catalog", None)
    match statement:
        case exp.Query():
            return list(_of_query(statement, columns, dialect))
        case exp.Create(kind="VIEW"):
            return []
        case exp.Create() | exp.Insert():
            query = statement.expression
            return list(_of_query(query, columns, dialect)) if isinstance(query, exp.Query) else []
        case exp.Merge():
            using = statement.args["using"]
            query = using.this if isinstance(using, exp.Subquery) else exp.select("*").from_(using)
            return [*_of_query(query, columns, dialect), *_of_target(statement, columns)]
        case _:
            raise ValueError(f"what is billed for {statement.key} is not known here")


def _of_query(query: exp.Query, columns: Mapping[str, Collection[str]], dialect: str) -> Iterator[Read]:
    schema: dict[str, object] = {table: dict.fromkeys(names, "STRING") for table, names in columns.items()}
    plain = qualify(query.copy(), schema=schema, dialect=dialect, validate_qualify_columns=False)
    for scope in traverse_scope(pushdown_projections(plain)):
        for alias, source in scope.sources.items():
            if isinstance(source, exp.Table) and source.name in columns:
                used = {column.name for column in scope.columns if column.table == alias}
                yield Read(source.name, frozenset(used), _days(scope, alias))


def _of_target(merge: exp.Merge, columns: Mapping[str, Collection[str]]) -> Iterator[Read]:
    """What is referenced of the target and, unless the clauses only insert, all of what they change."""
    table, alias = merge.this.name, merge.this.alias_or_name
    if table not in columns:
        return
    changing = [when for when in merge.find_all(exp.When) if not isinstance(when.args["then"], exp.Insert)]
    days = _literal_days(merge.args["on"], alias)
    if days is None and changing:
        of_clauses = {_literal_days(when.args.get("condition"), alias) for when in changing}
        days = of_clauses.pop() if len(of_clauses) == 1 else None
    used = {column.name for column in merge.find_all(exp.Column) if column.table == alias}
    yield Read(table, frozenset(used), days)
    if changing:
        yield Read(table, frozenset(columns[table]), days)


def _days(scope: Scope, alias: str) -> frozenset[date] | None:
    where = scope.expression.args.get("where")
    return _literal_days(where.this if where else None, alias)


def _literal_days(condition: exp.Expr | None, alias: str) -> frozenset[date] | None:
    """The days that a condition holds the alias to: an equation with, or a list of, bare literals, not under OR."""
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        match part:
            case exp.EQ():
                column, values = part.left, [part.right]
            case exp.In():
                column, values = part.this, part.expressions
            case _:
                continue
        if not isinstance(column, exp.Column) or (column.table, column.name) != (alias, DAY) or not values:
            continue
        if all(isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal) for value in values):
            return frozenset(date.fromisoformat(value.this.name) for value in values)
    return None
