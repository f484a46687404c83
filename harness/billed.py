"""What BigQuery bills a statement for: the columns that it references, in the days that it names.

Told from the statement's text, as the API server on loopback knows the jobs but not their bytes. A column of some days is
billed once a query, however often it is named. A MERGE that updates or deletes is billed for all columns of the partitions
that it changes besides.
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
STAGED = ("mf__day", "mf__in_day", "mf__gone", "row_num", "rejection_reason", "is_exact_copy")
"""The columns that the stage, a view, has besides the source's. Nothing is read for them but the event time, for `mf__in_day`;
the day, as in the source, is left out."""


@dataclass(frozen=True)
class Read:
    """What is read of a table; `days` is None where the statement names none, and reads all of it."""

    table: str
    columns: frozenset[str]
    days: frozenset[date] | None


def reads(sql: str, columns: Mapping[str, Collection[str]], *, dialect: str = "bigquery") -> list[Read]:
    """What is read of these tables.

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
            raise ValueError(f"what is billed for {statement.key} is not known here: {sql}")


def _of_query(query: exp.Query, columns: Mapping[str, Collection[str]], dialect: str) -> Iterator[Read]:
    schema: dict[str, object] = {table: dict.fromkeys(names, "STRING") for table, names in columns.items()}
    plain = qualify(query.copy(), schema=schema, dialect=dialect, validate_qualify_columns=False)
    found: dict[tuple[str, frozenset[date] | None], set[str]] = {}
    for scope in traverse_scope(pushdown_projections(plain)):
        for alias, source in scope.sources.items():
            if isinstance(source, exp.Table) and source.name in columns:
                used = {column.name for column in scope.columns if column.table == alias}
                found.setdefault((source.name, _days(scope, alias)), set()).update(used)
    for (table, days), names in found.items():
        yield Read(table, frozenset(names), days)


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
