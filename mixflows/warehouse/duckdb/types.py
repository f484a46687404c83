"""DuckDB's types by BigQuery's names, and JSON as canonical text (docs/decisions/fingerprint.md)."""

import json
from typing import cast

BIGQUERY_TYPES = {
    "VARCHAR": "STRING",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP": "DATETIME",
    "BIGINT": "INT64",
    "INTEGER": "INT64",
    "SMALLINT": "INT64",
    "TINYINT": "INT64",
    "UBIGINT": "INT64",
    "UINTEGER": "INT64",
    "HUGEINT": "INT64",
    "DOUBLE": "FLOAT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "JSON": "JSON",
    "BLOB": "BYTES",
}
"""BigQuery's names of DuckDB's types."""


NATIVE_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "NUMERIC": "DECIMAL",
}
"""DuckDB's words for types that a role may have, by BigQuery's names."""


def bigquery_type(native: str) -> str:
    """BigQuery's name of one of DuckDB's types; DuckDB's own where BigQuery has none."""
    return "NUMERIC" if native.startswith("DECIMAL") else BIGQUERY_TYPES.get(native, native)


def json_text(value: str, without: str) -> str:
    """A JSON value as text: keys sorted, members that are null left out, as BigQuery's TO_JSON_STRING writes it.

    Args:
        value: The JSON.
        without: Names of members of the outermost object that are left out, a line each.
    """
    try:
        read = _without_nulls(json.loads(value))
        if without and isinstance(read, dict):
            left_out = set(without.split("\n"))
            read = {name: member for name, member in cast("dict[str, object]", read).items() if name not in left_out}
        return json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (RecursionError, ValueError):
        # Thousands of levels, or a number of thousands of digits: such a value is compared as it was delivered.
        return value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in cast("dict[str, object]", value).items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in cast("list[object]", value)]
    return value
