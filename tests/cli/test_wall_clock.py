"""A column of wall-clock time is refused with the statement that mends it; the statement does."""

import re

import duckdb
import pytest

from tests.support.command_line import Installation

TYPES = {
    "mp_event_name": "VARCHAR",
    "mp_insert_id": "VARCHAR",
    "distinct_id": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "loaded_at": "TIMESTAMPTZ",
    "arrived": "TIMESTAMPTZ",
}
ROW = "'view', 'a', 'u', '2024-01-01 12:00:00', '2024-01-02 00:00:00', '2024-01-01 12:00:05'"


@pytest.mark.parametrize(
    ("role", "column", "kind"),
    [
        ("time", "time", "TIMESTAMP"),
        ("time", 'the "time"', "TIMESTAMP_NS"),
        ("loaded_at", "loaded_at", "TIMESTAMP"),
        ("arrival", "arrived", "TIMESTAMP"),
    ],
)
def test_the_message_names_the_type_and_the_statement(role: str, column: str, kind: str, empty: Installation) -> None:
    types = [(column, kind) if name in (column, role) else (name, other) for name, other in TYPES.items()]
    columns = ", ".join('"{}" {}'.format(name.replace('"', '""'), kind_) for name, kind_ in types)
    with duckdb.connect(str(empty.folder / "mixflows.duckdb")) as connection:
        connection.execute(f"CREATE TABLE mp_master_event ({columns})")
        connection.execute(f"INSERT INTO mp_master_event VALUES ({ROW})")
    renamed = f"{role} = '{column}'\n" if role != "arrival" else ""
    empty.write("mixflows.toml", f"[columns]\narrival = 'arrived'\n{renamed}")
    for command in (["run", "--no-prefect"], ["plan"]):
        said = empty.run(*command, code=1).err
        assert f"mp_master_event.{column} is {kind}" in said
        assert f"columns.{role} must be TIMESTAMP WITH TIME ZONE" in said
    (statement,) = re.findall("ALTER TABLE .*;", said)
    empty.change(statement)
    empty.run("run", "--no-prefect")
    name = column.replace('"', '""')
    assert empty.rows(f'SELECT count(*), min(partition_date)::VARCHAR, min("{name}") IS NULL FROM mp_events') == [
        (1, "2024-01-01", False)
    ]
