"""Parquet lands as the same rows that JSON lines give."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from mixflows.errors import LandingError
from tests.landing.conftest import LANDED_AT, Shop
from tests.landing.lines import event

ARRIVAL_MS = 1_722_470_401_500


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write(shop: Shop, select: str, name: str = "export.parquet") -> Path:
    path = shop.folder / name
    shop.connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize(
    "names",
    [
        ("event", '"$insert_id"'),
        ("event_name", "insert_id"),
        ("mp_event_name", "mp_insert_id"),
        ('"Event"', "insert_id"),
    ],
)
def test_columns_become_the_rows_that_json_lines_give(shop: Shop, names: tuple[str, str]) -> None:
    event_name, insert_id = names
    landing = shop.land(
        write(
            shop,
            f"""SELECT 'view' AS {event_name}, 1722470400 AS time, 'd1' AS distinct_id, 'a' AS {insert_id},
            {ARRIVAL_MS} AS mp_processing_time_ms, 'c7' AS customer_id, 'pro' AS plan, 2.5 AS amount, NULL AS nothing,
            {{'a': 1, 'b': [1, 2]}} AS nested""",
        )
    )
    properties = {"plan": "pro", "amount": 2.5, "nested": {"a": 1, "b": [1, 2]}}
    end = (properties, date(2024, 8, 1), LANDED_AT, "export.parquet")
    assert shop.events() == [("view", at("2024-08-01"), "d1", "a", ARRIVAL_MS, "c7", *end)]
    assert (landing.lines, landing.source_rows, landing.rows_per_day) == (1, 1, ((date(2024, 8, 1), 1),))


@pytest.mark.parametrize(
    "bag",
    ["""'{"plan": "pro", "time": 5, "customer_id": "c7"}'""", "{'plan': 'pro', 'time': 5, 'customer_id': 'c7'}"],
)
def test_properties_may_be_text_or_a_struct_and_columns_win_over_them(shop: Shop, bag: str) -> None:
    shop.land(
        write(shop, f"SELECT 'e' AS event, 1722470400 AS time, 'a' AS insert_id, {bag} AS properties, 1 AS plan2")
    )
    assert shop.events("time", "customer_id", "properties") == [
        (at("2024-08-01"), "c7", {"plan": "pro", "time": 5, "plan2": 1})
    ]


def test_the_time_may_be_in_the_properties(shop: Shop) -> None:
    shop.land(write(shop, """SELECT 'e' AS event, '{"time": 1722470400, "$insert_id": "a"}' AS properties"""))
    assert shop.events("time", "mp_insert_id", "properties") == [(at("2024-08-01"), "a", {})]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_NS", "TIMESTAMP_MS"])
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_a_timestamp_says_itself_what_it_counts(shop: Shop, kind: str, unit: str) -> None:
    shop.land(
        write(
            shop,
            f"""SELECT 'e' AS event, 'a' AS insert_id, TIMESTAMP '2024-08-01 00:00:00.125'::{kind} AS time
            UNION ALL SELECT 'e', 'b', TIMESTAMP '1969-12-31 23:59:58.5'::{kind}""",
        ),
        landing={"time_unit": unit},
    )
    assert shop.events("mp_insert_id", "time") == [
        ("a", at("2024-08-01 00:00:00.125")),
        ("b", at("1969-12-31 23:59:58.5")),
    ]


def test_only_a_timestamp_without_zone_is_wall_clock(shop: Shop) -> None:
    berlin: dict[str, Any] = {"project_timezone": "Europe/Berlin", "landing": {"time_zone": "project"}}
    wall = "SELECT 'e' AS event, 'wall' AS insert_id, TIMESTAMP '2024-08-01 00:30:00.000001' AS time"
    instant = "SELECT 'e' AS event, 'instant' AS insert_id, TIMESTAMPTZ '2024-08-01 00:30:00.000001+00' AS time"
    shop.land(write(shop, wall, "wall.parquet"), **berlin)
    shop.land(write(shop, instant, "instant.parquet"), **berlin)
    assert shop.events("mp_insert_id", "time", "partition_date") == [
        ("instant", at("2024-08-01 00:30:00.000001"), date(2024, 8, 1)),
        ("wall", at("2024-07-31 22:30:00.000001"), date(2024, 8, 1)),
    ]


def test_rows_that_are_no_events_are_kept_with_their_row_number(shop: Shop) -> None:
    landing = shop.land(
        write(
            shop,
            """FROM (VALUES ('e', 0, 'a', '{}'), ('e', NULL, 'b', '{}'), ('e', 0, 'c', 'no json'), ('e', 0, 'd', '[]'),
            (NULL, 0, 'e', NULL)) AS t(event, time, insert_id, properties)""",
        )
    )
    assert shop.events("mp_insert_id", "mp_event_name") == [("a", "e"), ("e", None)]
    assert shop.malformed() == [
        (2, '{"event":"e","properties":{"$insert_id":"b"}}', "time is missing or no time"),
        (3, '{"event":"e","properties":"no json","columns":{"$insert_id":"c","time":0}}', "no properties"),
        (4, '{"event":"e","properties":"[]","columns":{"$insert_id":"d","time":0}}', "no properties"),
    ]
    assert (landing.lines, landing.source_rows, landing.malformed_rows) == (5, 2, 3)


def test_row_numbers_are_right_in_a_file_of_many_row_groups(shop: Shop) -> None:
    path = shop.folder / "big.parquet"
    shop.connection.execute(
        f"""COPY (SELECT 'e' AS event, CASE WHEN i % 50000 <> 7 THEN i END AS time, i::VARCHAR AS insert_id
        FROM range(300000) AS t(i) ORDER BY i) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 20000)"""
    )
    landing = shop.land(path)
    assert landing.malformed_rows == 6
    assert [(number, raw) for number, raw, _ in shop.malformed()] == [
        (i + 1, f'{{"event":"e","properties":{{"insert_id":"{i}"}}}}'.replace("insert_id", "$insert_id"))
        for i in range(7, 300_000, 50_000)
    ]


def test_columns_without_event_or_time_are_refused_by_name(shop: Shop) -> None:
    with pytest.raises(LandingError, match="no column for the event time") as refused:
        shop.land(write(shop, "SELECT 'e' AS event, 1 AS happened"))
    assert "event, happened" in refused.value.hint
    with pytest.raises(LandingError, match="no column for the event name"):
        shop.land(write(shop, "SELECT 1 AS time", "second.parquet"))
    assert shop.is_untouched()


def test_a_parquet_file_that_was_cut_off_is_refused(shop: Shop) -> None:
    path = write(shop, "SELECT 'e' AS event, 1 AS time")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LandingError, match="cannot be read as Parquet"):
        shop.land(path)
    assert shop.is_untouched()


def test_the_bytes_tell_parquet_and_not_the_name(shop: Shop) -> None:
    path = write(shop, "SELECT 'e' AS event, 0 AS time, 'a' AS insert_id", "export[1].data")
    shop.write(event("other"), name="export1.data")
    shop.land(path)
    assert shop.events("mp_insert_id") == [("a",)]


def test_folder_names_are_no_columns(shop: Shop) -> None:
    folder = shop.folder / "plan=pro"
    folder.mkdir()
    shop.land(write(shop, "SELECT 'e' AS event, 0 AS time, 'a' AS insert_id", "plan=pro/export.parquet"))
    assert shop.events("properties") == [({},)]
