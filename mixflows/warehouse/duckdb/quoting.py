"""Names and texts in DuckDB's SQL."""

import glob
import re
from pathlib import Path


def identifier(name: str) -> str:
    """Quotes a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Writes a text as a literal; for file and property names, which no statement takes as parameters."""
    return "'" + value.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """Writes a file's path as the literal of exactly that file: DuckDB takes `a[1].jsonl` for a pattern of `a1.jsonl`."""
    return literal(glob.escape(str(path)))


def names_table(sql: str, table: str) -> bool:
    """Whether a statement names a table, quoted or not."""
    name = identifier(table)
    return re.search(rf"{re.escape(name)}|\b{re.escape(name[1:-1])}\b", sql) is not None
