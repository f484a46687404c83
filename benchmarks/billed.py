"""What BigQuery bills a statement for: the columns that it references, in the days that it names.

Told from the statement's text, as the API server on loopback knows the jobs but not their bytes. Each time that a statement
names a table counts by itself, which is never less than BigQuery bills.
Sources: https://cloud.google.com/bigquery/pricing, on-demand; https://cloud.google.com/bigquery/docs/partitioned-tables.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp, parse_one
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

DAY = "partition_date"
STAGED = {"row_num": 8.0, "rejection_reason": 0.0, "is_exact_copy": 0.0, "is_contested": 1.0, "fingerprint": 0.0}
"""The columns that staging adds, and their bytes in a row; what is NULL in nearly all rows costs nothing."""


@dataclass(frozen=True)
class Read:
    """One reference to a table; `day` is None where the statement names none, and reads all of it."""

    table: str
    columns: frozenset[str]
    day: date | None


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
                yield Read(source.name, frozenset(used), _day(scope, alias))


def _of_target(merge: exp.Merge, columns: Mapping[str, Collection[str]]) -> Iterator[Read]:
    """A MERGE that updates or deletes is billed for all columns of the target, one that inserts for those it names."""
    table = merge.this.name
    if table not in columns:
        return
    alias = merge.this.alias_or_name
    inserts = all(isinstance(when.args["then"], exp.Insert) for when in merge.find_all(exp.When))
    used = {column.name for column in merge.find_all(exp.Column) if column.table == alias}
    named = [*merge.args["on"].find_all(exp.EQ), *(eq for w in merge.find_all(exp.When) for eq in w.find_all(exp.EQ))]
    yield Read(table, frozenset(used if inserts else columns[table]), _literal_day(named, alias))


def _day(scope: Scope, alias: str) -> date | None:
    where = scope.expression.args.get("where")
    condition = where.this if where else exp.true()
    return _literal_day(list(condition.flatten()) if isinstance(condition, exp.And) else [condition], alias)


def _literal_day(conditions: Collection[exp.Expr], alias: str) -> date | None:
    for condition in conditions:
        if isinstance(condition, exp.EQ) and isinstance(condition.left, exp.Column):
            column, literal = condition.left, condition.right.find(exp.Literal)
            if (column.table, column.name) == (alias, DAY) and literal is not None:
                return date.fromisoformat(literal.name)
    return None
