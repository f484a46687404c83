"""How DuckDB writes values as text for the fingerprint, by the rules in docs/decisions/fingerprint.md."""

import json
from typing import cast

from mixflows.warehouse.source import Column

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


def json_text(value: str) -> str:
    """A JSON value as text: keys sorted, members that are null left out, as BigQuery's TO_JSON_STRING writes it."""
    try:
        return json.dumps(_without_nulls(json.loads(value)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (RecursionError, ValueError):
        # Thousands of levels, or a number of thousands of digits: such a value is compared as it was delivered.
        return value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in cast("dict[str, object]", value).items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in cast("list[object]", value)]
    return value


def text_rule(value: str, column: Column) -> str:
    """SQL of the text of a column's value; see docs/decisions/fingerprint.md."""
    if column.native_type.startswith("DECIMAL"):
        return f"printf('%.17g', CAST({value} AS FLOAT64))"
    texts = {
        "STRING": value,
        "TIMESTAMP": f"CAST(UNIX_MICROS({value}) AS STRING)",
        "FLOAT64": f"printf('%.17g', {value})",
        "JSON": f"mixflows_json_text({value})",
        "INT64": f"CAST({value} AS STRING)",
        "BOOL": f"CAST({value} AS STRING)",
        "DATE": f"CAST({value} AS STRING)",
        "BYTES": f"LOWER(TO_HEX({value}))",
    }
    return texts.get(column.type, f"mixflows_json_text(to_json({value}))")
