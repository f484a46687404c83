"""Whether a statement names its days in words that let BigQuery leave out all other partitions.

BigQuery prunes on constants that are compared with the bare partition column: in WHERE, in the ON of a MERGE, or in the
search condition of one of its clauses. A day that comes from a join, or from a function around the column, does not prune.
Source: https://cloud.google.com/bigquery/docs/querying-partitioned-tables
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from sqlglot import exp

from mixflows.days import day_bounds


class UnprunedError(Exception):
    """A partitioned table is read or written without the statement's days."""


@dataclass(frozen=True)
class Days:
    """The days of a statement, in a time zone."""

    days: Sequence[date]
    zone: ZoneInfo

    @property
    def dates(self) -> set[str]:
        """As DATE literals."""
        return {str(day) for day in self.days}

    @property
    def midnights(self) -> set[datetime]:
        """In UTC, whatever the zone, as TIMESTAMP columns hold a day."""
        return {datetime(day.year, day.month, day.day, tzinfo=UTC) for day in self.days}

    @property
    def ranges(self) -> set[tuple[datetime, datetime]]:
        """Ranges of instants; neighbours are one."""
        return joined(day_bounds(day, self.zone) for day in self.days)


def joined(ranges: Iterator[tuple[datetime, datetime]]) -> set[tuple[datetime, datetime]]:
    """Ranges where those that touch are one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(ranges):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return set(found)


def day_columns(tree: exp.Expr, partitioned: Mapping[str, str]) -> Iterator[tuple[exp.Table, str]]:
    """Each mention of a partitioned table, with the column that it is partitioned by."""
    for table in tree.find_all(exp.Table):
        name = ".".join(part.name for part in table.parts)
        if name in partitioned:
            yield table, partitioned[name]


def check(tree: exp.Expr, partitioned: Mapping[str, str], days: Days) -> int:
    """Holds every mention of a partitioned table against the rule.

    Args:
        tree: A statement, parsed.
        partitioned: The partition column by the table's whole name.
        days: The days of the statement.

    Returns:
        How many mentions there were.

    Raises:
        UnprunedError: One names not all of the days, or others.
    """
    mentions = list(day_columns(tree, partitioned))
    for table, column in mentions:
        conditions = list(_conditions(table))
        tests = [test for condition in conditions for test in _parts(condition, exp.And)]
        # One range of instants is two tests of the whole condition.
        if not any(_names_days(test, table.alias_or_name, column, days) for test in (*tests, *conditions)):
            raise UnprunedError(f"{table.sql('bigquery')}: {column} is held against no constant days")
        for test in tests:
            if isinstance(test, exp.Binary | exp.In) and _wraps(test.this, table.alias_or_name, column):
                raise UnprunedError(f"a function around the day: {test.sql('bigquery')}")
    for literal in tree.find_all(exp.Cast):
        if literal.is_type("date") and isinstance(literal.this, exp.Literal) and literal.this.name not in days.dates:
            raise UnprunedError(f"another day: {literal.sql('bigquery')}")
    return len(mentions)


def _wraps(test: exp.Expr, alias: str, column: str) -> bool:
    return isinstance(test, exp.Func) and any(_is(part, alias, column) for part in test.iter_expressions())


def _is(part: object, alias: str, column: str) -> bool:
    return isinstance(part, exp.Column) and (part.table, part.name) == (alias, column)


def _conditions(table: exp.Table) -> Iterator[exp.Expr]:
    """The conditions that BigQuery prunes this mention by."""
    parent = table.parent
    if isinstance(parent, exp.Merge):
        yield parent.args["on"]
        # Of the clauses, only those that touch rows of the table: all of them must name the days.
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


def _parts(condition: exp.Expr, kind: type[exp.Connector]) -> Iterator[exp.Expr]:
    """What AND or OR connects."""
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if isinstance(condition, kind):
        yield from _parts(cast("exp.Expr", condition.left), kind)
        yield from _parts(cast("exp.Expr", condition.right), kind)
    else:
        yield condition


def _names_days(test: exp.Expr, alias: str, column: str, days: Days) -> bool:
    """Whether a condition holds a column to the days: a list of their dates or midnights, or the ranges of their instants."""
    if isinstance(test, exp.In):
        if not _is(test.this, alias, column):
            return False
        texts = [_literal(value) for value in test.expressions]
        if not texts or None in texts:
            return False
        known = [str(text) for text in texts]
        return set(known) == days.dates or (
            len(known[0]) > 10 and set(map(datetime.fromisoformat, known)) == days.midnights
        )
    ranges = [_range(part, alias, column) for part in _parts(test, exp.Or)]
    return None not in ranges and joined(known for known in ranges if known) == days.ranges


def _range(part: exp.Expr, alias: str, column: str) -> tuple[datetime, datetime] | None:
    bounds: dict[type[exp.Expr], datetime] = {}
    for test in _parts(part, exp.And):
        text = (
            _literal(test.expression) if isinstance(test, exp.GTE | exp.LT) and _is(test.this, alias, column) else None
        )
        if text is not None:
            bounds[type(test)] = datetime.fromisoformat(text)
    return (bounds[exp.GTE], bounds[exp.LT]) if bounds.keys() == {exp.GTE, exp.LT} else None


def _literal(value: exp.Expr) -> str | None:
    return value.this.name if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal) else None
