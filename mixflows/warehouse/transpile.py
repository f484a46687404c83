"""What sqlglot does for us: statements in DuckDB's dialect, and the columns that a CREATE TABLE names.

A batch's statement is parsed and written once for all batches. What changes from batch to batch, the days and the names of its
short-lived tables, is expanded in between: calls of the functions `MF_…`, the tables `mf__…`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from uuid import uuid4

from sqlglot import ErrorLevel, exp, parse_one

SHORT_LIVED_PREFIX = "mf__"
"""Begins the name of a table that is expanded."""
NAME_PREFIX = "mf__name_"
"""Stands for an identifier with a dot in it, which BigQuery's dialect would take for a path: its bytes follow in hex."""

Expansion = Callable[[str], str]
"""DuckDB's SQL in the place of a call, given its arguments, or of a table, given its alias."""
Expansions = Mapping[str, Expansion]


def missing_columns(create: str, dialect: str, present: Collection[str]) -> list[tuple[str, str]]:
    """What a table lacks of a CREATE TABLE.

    Returns:
        Names and types in the engine's words, in the statement's order.
    """
    return [(name, kind) for name, kind in _columns(create, dialect) if name not in present]


@cache
def _columns(create: str, dialect: str) -> tuple[tuple[str, str], ...]:
    columns = parse_one(create, dialect=dialect).this.expressions  # of the table; a STRUCT has its own
    return tuple((c.name, c.args["kind"].sql(dialect)) for c in columns if isinstance(c, exp.ColumnDef))


def laid_out(sql: str, dialect: str) -> str:
    """A statement of an engine's dialect over several lines, without comments, for people to read."""
    return parse_one(sql, dialect=dialect).sql(dialect, pretty=True, comments=False)


def quoted(name: str) -> str:
    """An identifier in a statement of BigQuery's dialect that is meant for DuckDB, whatever is in its name."""
    if "." in name:
        return f"`{NAME_PREFIX}{name.encode().hex()}`"
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string in BigQuery's dialect."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


@dataclass(frozen=True)
class _Call:
    """A call of a function that is expanded."""

    name: str
    arguments: tuple["ParsedStatement", ...]

    def in_duckdb(self, functions: Expansions, tables: Expansions) -> str:
        return functions[self.name](", ".join(argument.in_duckdb(functions, tables) for argument in self.arguments))


@dataclass(frozen=True)
class _Table:
    """A table that is expanded, with its alias or nothing."""

    name: str
    alias: str

    def in_duckdb(self, _: Expansions, tables: Expansions) -> str:
        return tables[self.name](self.alias)


@dataclass(frozen=True)
class ParsedStatement:
    """A statement in DuckDB's dialect, to be written as often as its days change.

    Attributes:
        parts: Its text, and what is expanded in between.
    """

    parts: tuple[str | _Call | _Table, ...]

    def in_duckdb(self, functions: Expansions, tables: Expansions) -> str:
        """The statement's text.

        Args:
            functions: What a call of a function becomes, given its arguments, by the function's name.
            tables: What a table becomes, given its alias or nothing, by the table's name.

        Raises:
            KeyError: The statement calls `MF_…` or names `mf__…` that is not among them.
        """
        return "".join(part if isinstance(part, str) else part.in_duckdb(functions, tables) for part in self.parts)


@lru_cache(maxsize=1000)
def parsed(text: str) -> ParsedStatement:
    """Parses a statement of BigQuery's dialect; a process that opens its warehouse again parses each statement once."""
    tree = parse_one(text, dialect="bigquery")
    # sqlglot writes DIV(a - b, c) as a - b // c.
    for division in tree.find_all(exp.IntDiv):
        for operand in (division.this, division.expression):
            if isinstance(operand, exp.Binary):
                operand.replace(exp.paren(operand))
    return _in_parts(tree)


def _in_parts(tree: exp.Expr) -> ParsedStatement:
    """Writes a tree, which is changed, in DuckDB's dialect."""
    mark, expanded = f"mf_{uuid4().hex}_", list[_Call | _Table]()

    def marked(node: exp.Expr) -> exp.Expr:
        match node:
            case exp.Anonymous() if node.name.upper().startswith("MF_"):
                expanded.append(_Call(node.name.upper(), tuple(map(_in_parts, node.expressions))))
            case exp.Table() if node.name.startswith(SHORT_LIVED_PREFIX) and not node.name.startswith(NAME_PREFIX):
                expanded.append(_Table(node.name, node.alias))
            case exp.Identifier() if node.name.startswith(NAME_PREFIX):
                name = bytes.fromhex(node.name.removeprefix(NAME_PREFIX)).decode()
                return exp.to_identifier(name, quoted=True)
            case _:
                return node
        return exp.Var(this=f"{mark}{len(expanded) - 1};")

    # Partitioning and clustering have no counterpart here, and sqlglot says so on every CREATE.
    text = tree.transform(marked, copy=False).sql(
        "duckdb", copy=False, unsupported_level=ErrorLevel.IGNORE, comments=False
    )
    first, *others = text.split(mark)
    parts: list[str | _Call | _Table] = [first]
    for other in others:
        number, _, following = other.partition(";")
        parts += [expanded[int(number)], following]
    return ParsedStatement(tuple(parts))
