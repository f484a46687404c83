"""Rows of the ledger, the profiles and the quality results, added by statements whose job ids guard against adding them twice."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence

from mixflows.model import Run
from mixflows.warehouse.base import Row
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.parameters import Rows

APPENDED_BYTES = 4 * 2**20
"""Rows are added in statements of about this size; BigQuery takes requests of up to 10 MB."""


def append_rows(
    jobs: Jobs, table_id: str, role: str, types: Mapping[str, str], rows: Sequence[Row], known: Callable[[str], Run]
) -> None:
    """Adds rows to a table.

    Args:
        table_id: `project.dataset.table`.
        role: Of the table; part of the jobs' names.
        types: Of its columns.
        rows: Each with the same columns, its run and its day among them; at least one.
        known: What is known of a run, by its id.
    """
    wanted = {name: types[name] for name in rows[0]}
    columns = ", ".join(map(quote, wanted))
    values = ", ".join(f"r.{quote(name)}" for name in wanted)
    sql = f"INSERT INTO {quote(table_id)} ({columns}) SELECT {values} FROM UNNEST(@rows) AS r"
    for some in _in_parts(rows):
        days = {row["partition_date"] for row in some}
        run = Run(some[0]["run_id"], some[0]["attempt"], known(some[0]["run_id"]).flow)
        jobs.run(sql, {"rows": Rows(wanted, some)}, Step(f"append_{role}", run, min(days), len(days)))


def _in_parts(rows: Sequence[Row]) -> Generator[list[Row]]:
    """Rows in parts that a statement has room for as parameters."""
    part: list[Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row, default=str))
        if part and size + length > APPENDED_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    yield part
