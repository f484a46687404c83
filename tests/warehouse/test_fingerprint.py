"""The fingerprint's written rule, held against plain Python and against values that may never change."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from mixflows.model import PlannedDay, PlanReason, Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.stage import stage_batch
from mixflows.settings import Settings, load_settings
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.base import BatchTables
from mixflows.warehouse.duckdb.connection import STAGING

DAY = date(2026, 3, 29)
RUN = Run("golden")
COLUMNS = """
    mp_event_name VARCHAR, time TIMESTAMPTZ, distinct_id VARCHAR, mp_insert_id VARCHAR, mp_processing_time_ms BIGINT,
    price DOUBLE, amount DECIMAL(10, 3), paid BOOLEAN, since DATE, raw BLOB, tags VARCHAR[], properties JSON,
    partition_date DATE, loaded_at TIMESTAMPTZ, source_file VARCHAR
"""
ROW = """
    'Søk; x=1', TIMESTAMPTZ '2026-03-29 01:02:03.000004+00', NULL, 'a', {arrival},
    0.1, 12.500, true, DATE '2026-03-29', '\\x00\\xFF'::BLOB, ['b', 'a'],
    {properties}, DATE '2026-03-29', TIMESTAMPTZ '2026-03-30 00:00:00+00', '{file}'
"""
TEXTS = {
    "amount": "12.5",
    "mp_event_name": "Søk; x=1",
    "mp_insert_id": "a",
    "paid": "true",
    "price": "0.10000000000000001",
    "properties": '{"a":{"y":[1,null,2],"z":"é"},"b":1}',
    "raw": "00ff",
    "since": "2026-03-29",
    "tags": '["b","a"]',
    "time": "1774746123000004",
}
GOLDEN = "30b5920aa3cbbd0d342f75e087a2269c"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield load_settings(None, {"warehouse": {"path": tmp_path / "golden.duckdb"}})
    close_warehouses()


def fingerprints(settings: Settings, rows: list[str], columns: str = COLUMNS) -> list[str]:
    with duckdb.connect(str(settings.warehouse.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE mp_master_event ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO mp_master_event VALUES ({row})")
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    planned = PlannedDay(DAY, PlanReason.NEW, len(rows), None)
    stage_batch(RunContext(warehouse, settings, RUN), [planned])
    copies = BatchTables.of(DAY, RUN).copies
    cursor = warehouse.row_access().engine_options["creator"]()
    found = cursor.execute(
        f"SELECT mf__fingerprint FROM {STAGING}.main.{copies} ORDER BY mp_processing_time_ms"
    ).fetchall()
    cursor.close()
    return [value for (value,) in found]


def row(arrival: int, properties: str, file: str = "a.jsonl") -> str:
    return ROW.format(arrival=arrival, properties=properties, file=file)


def test_follows_the_written_rule_for_every_type(settings: Settings) -> None:
    same = '{"b": 1, "gone": null, "a": {"z": "é", "y": [1, null, 2], "w": null}}'
    first, second = fingerprints(settings, [row(1, f"'{same}'"), row(2, f"'{same}'", "b.jsonl")])
    text = "".join(f"{name}={len(value)}:{value};" for name, value in sorted(TEXTS.items()))
    assert first == hashlib.md5(text.encode()).hexdigest()
    assert first == second, "arrival and landing columns are no content"
    assert first == GOLDEN


def test_sees_any_other_value(settings: Settings) -> None:
    found = fingerprints(settings, [row(1, """'{"b": 1}'"""), row(2, """'{"b": 2}'"""), row(3, """'{"b": "1"}'""")])
    assert len(set(found)) == 3


def test_takes_values_that_no_parser_takes_as_they_are(settings: Settings) -> None:
    deep = "[" * 900 + "]" * 900
    digits = "9" * 5000
    found = fingerprints(settings, [row(1, f"""'{{"n": {digits}}}'"""), row(2, f"""'{{"d": {deep}}}'""")])
    assert len(set(found)) == 2


def test_an_absent_column_is_a_null_one(settings: Settings) -> None:
    same = '{"b": 1, "a": {"z": "é", "y": [1, null, 2]}}'
    rows = [f"{row(arrival, repr(same))}, NULL" for arrival in (1, 2)]
    assert set(fingerprints(settings, rows, COLUMNS + ", added_later VARCHAR")) == {GOLDEN}


@pytest.mark.parametrize(
    ("kind", "name", "value", "member"),
    [
        ("DOUBLE", "price", "0.1", "0.1"),
        ("BIGINT", "age", "7", "7"),
        ("BOOLEAN", "paid", "true", "true"),
        ("VARCHAR", "plan", "'pro'", '"pro"'),
        ("VARCHAR", "mp_os", "'iOS'", '"iOS"'),
        ("TIMESTAMPTZ", "seen_at", "TIMESTAMPTZ '2026-03-29 01:02:03+00'", '"2026-03-29T01:02:03Z"'),
    ],
)
def test_a_property_is_the_same_in_a_column_of_its_own_as_in_the_properties(
    settings: Settings, kind: str, name: str, value: str, member: str
) -> None:
    columns = f"""
        mp_event_name VARCHAR, time TIMESTAMPTZ, distinct_id VARCHAR, mp_insert_id VARCHAR,
        mp_processing_time_ms BIGINT, properties JSON, partition_date DATE, "{name}" {kind}
    """
    key = name.replace("mp_", "$")
    rows = [
        f"'Open', TIMESTAMPTZ '2026-03-29 01:00:00+00', 'u', 'a', {arrival}, '{properties}', DATE '{DAY}', {own}"
        for arrival, (properties, own) in enumerate(
            [('{"b": 1}', value), (f'{{"b": 1, "{key}": {member}}}', "NULL"), ('{"b": 1}', "NULL")]
        )
    ]
    in_column, in_properties, nowhere = fingerprints(settings, rows, columns)
    assert in_column == in_properties != nowhere
