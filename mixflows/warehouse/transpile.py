"""What sqlglot does for us: statements in DuckDB's dialect, and the columns that a CREATE TABLE names.

A batch's statement is parsed once for all batches. What changes from batch to batch, the days and the names of its short-lived
tables, is put into the parsed statement, not into text: calls of the functions `MF_…`, the tables `mf__…`.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache, lru_cache

from sqlglot import ErrorLevel, exp, parse_one

NAME_PREFIX = "mf__name_"
"""Stands for an identifier with a dot in it, which BigQuery's dialect would take for a path: its bytes follow in hex."""

Expansion = Callable[[str], str]
"""DuckDB's SQL in the place of a call or a table."""
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


class ParsedStatement:
    """A statement of BigQuery's dialect, parsed, to be written in DuckDB's as often as its days change."""

    def __init__(self, text: str) -> None:
        self._tree = _parsed(text)

    def in_duckdb(self, functions: Expansions, tables: Expansions) -> str:
        """The statement in DuckDB's dialect.

        Args:
            functions: What a call of a function becomes, given its argument, by the function's name.
            tables: What a table becomes, given its alias or nothing, by the table's name.
        """

        def written(node: exp.Expr) -> exp.Expr:
            match node:
                case exp.Anonymous() if node.name.upper() in functions:
                    arguments = [_in_duckdb(argument.transform(written)) for argument in node.expressions]
                    return exp.Var(this=functions[node.name.upper()](", ".join(arguments)))
                case exp.Table() if node.name in tables:
                    return exp.Var(this=tables[node.name](node.alias))
                case exp.Identifier() if node.name.startswith(NAME_PREFIX):
                    name = bytes.fromhex(node.name.removeprefix(NAME_PREFIX)).decode()
                    return exp.to_identifier(name, quoted=True)
                case _:
                    return node

        return _in_duckdb(self._tree.copy().transform(written, copy=False))


@lru_cache(maxsize=100)
def _parsed(text: str) -> exp.Expr:
    """The statement's tree, which nobody changes: a process that opens its warehouse again parses each statement once."""
    tree = parse_one(text, dialect="bigquery")
    # sqlglot writes DIV(a - b, c) as a - b // c.
    for division in tree.find_all(exp.IntDiv):
        for operand in (division.this, division.expression):
            if isinstance(operand, exp.Binary):
                operand.replace(exp.paren(operand))
    return tree


def _in_duckdb(tree: exp.Expr) -> str:
    # Partitioning and clustering have no counterpart here, and sqlglot says so on every CREATE.
    return tree.sql("duckdb", copy=False, unsupported_level=ErrorLevel.IGNORE, comments=False)
