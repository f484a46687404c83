"""How DuckDB writes values as text for the fingerprint, by the rules in docs/decisions/fingerprint.md."""

import json

from mixflows.warehouse.shape import Column

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
    return json.dumps(_without_nulls(json.loads(value)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def text_rule(value: str, column: Column) -> str:
    """SQL of the text of a column's value; see docs/decisions/fingerprint.md."""
    match column.type:
        case "STRING":
            return value
        case "TIMESTAMP":
            return f"CAST(UNIX_MICROS({value}) AS STRING)"
        case "FLOAT64":
            return f"printf('%.17g', {value})"
        case "JSON":
            return f"mixflows_json_text({value})"
        case "INT64" | "BOOL" | "DATE":
            return f"CAST({value} AS STRING)"
        case "BYTES":
            return f"LOWER(TO_HEX({value}))"
        case _ if column.native_type.startswith("DECIMAL"):
            return f"printf('%.17g', CAST({value} AS FLOAT64))"
        case _:
            return f"mixflows_json_text(to_json({value}))"
