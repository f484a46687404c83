"""Names and texts in DuckDB's SQL."""

import glob
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
