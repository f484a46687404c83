"""Values of statements as the client's parameters."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from google.cloud import bigquery

Parameter = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter


def parameters_of(sql: str, params: Mapping[str, Any]) -> list[Parameter]:
    """The values that a statement names, as its parameters; of a list of rows, an array of structs."""
    named = set(re.findall(r"@(\w+)", sql))
    return [_parameter(name, value) for name, value in params.items() if name in named]


def _parameter(name: str, value: Any) -> Parameter:
    if isinstance(value, Rows):
        return value.parameter(name)
    return bigquery.ScalarQueryParameter(name, type_of_value(value), value)


def type_of_value(value: object) -> str:
    """BigQuery's type of a value."""
    match value:
        case datetime():
            return "TIMESTAMP"
        case date():
            return "DATE"
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FLOAT64"
        case _:
            return "STRING"


@dataclass(frozen=True)
class Rows:
    """Rows as one parameter of a statement: an array of structs.

    Attributes:
        types: BigQuery's types by column.
        rows: Each with these columns.
    """

    types: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]

    def parameter(self, name: str) -> bigquery.ArrayQueryParameter:
        """The client's parameter."""
        kinds = [bigquery.ScalarQueryParameterType(kind, name=column) for column, kind in self.types.items()]
        values = [
            bigquery.StructQueryParameter(
                None, *(bigquery.ScalarQueryParameter(column, kind, row[column]) for column, kind in self.types.items())
            )
            for row in self.rows
        ]
        return bigquery.ArrayQueryParameter(name, bigquery.StructQueryParameterType(*kinds), values)
