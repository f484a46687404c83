"""What a line becomes: whole rows of the source, with and without promoted columns."""

import gzip
import json
from datetime import UTC, date, datetime

import pytest

from mixflows.errors import SourceColumnsError
from tests.landing.conftest import LANDED_AT, Shop
from tests.landing.lines import event

EVENT_TIME = datetime(2024, 8, 1, tzinfo=UTC)
ARRIVAL_MS = 1_722_470_401_500
PLAIN_COLUMNS = [
    ("mp_event_name", "VARCHAR"),
    ("time", "TIMESTAMP WITH TIME ZONE"),
    ("distinct_id", "VARCHAR"),
    ("mp_insert_id", "VARCHAR"),
    ("mp_processing_time_ms", "BIGINT"),
    ("properties", "JSON"),
    ("partition_date", "DATE"),
    ("loaded_at", "TIMESTAMP WITH TIME ZONE"),
    ("source_file", "VARCHAR"),
]


def described(shop: Shop) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, *_ in shop.rows("DESCRIBE mp_master_event")]


def test_a_line_becomes_one_row_of_the_source(shop: Shop) -> None:
    landing = shop.land(shop.write(event("a", plan="pro", nested={"time": 5, "none": None}), event("b")))
    row = ("view", EVENT_TIME, "d1")
    end = (date(2024, 8, 1), LANDED_AT, "export.jsonl")
    assert described(shop) == PLAIN_COLUMNS
    assert shop.events() == [
        (*row, "a", ARRIVAL_MS, {"plan": "pro", "nested": {"time": 5, "none": None}}, *end),
        (*row, "b", ARRIVAL_MS, {}, *end),
    ]
    assert (landing.lines, landing.source_rows, landing.malformed_rows) == (2, 2, 0)
    assert landing.rows_per_day == ((date(2024, 8, 1), 2),)


def test_the_landing_log_has_the_row_that_was_returned(shop: Shop) -> None:
    landing = shop.land(shop.write(event("a"), event("b", time=1_722_556_800), event("c"), "no json"))
    assert shop.rows("SELECT * FROM mp_landings") == [
        (
            "export.jsonl",
            landing.content_hash,
            LANDED_AT,
            4,
            3,
            1,
            0,
            0,
            [
                {"partition_date": date(2024, 8, 1), "source_rows": 2},
                {"partition_date": date(2024, 8, 2), "source_rows": 1},
            ],
            "UTC",
            None,
            "files",
        )
    ]
    assert landing.rows_per_day == ((date(2024, 8, 1), 2), (date(2024, 8, 2), 1))
    assert landing.landed_at == LANDED_AT


def test_what_is_missing_or_null_is_null(shop: Shop) -> None:
    shop.land(
        shop.write(
            '{"event": null, "properties": {"time": 0, "$insert_id": null}}',
            '{"properties": {"time": 0, "$insert_id": "b", "x": null}}',
        )
    )
    columns = ("mp_event_name", "distinct_id", "mp_insert_id", "mp_processing_time_ms", "properties")
    assert shop.events(*columns) == [(None, None, "b", None, {"x": None}), (None, None, None, None, {})]


def test_ids_that_are_no_strings_are_their_text(shop: Shop) -> None:
    shop.land(shop.write('{"event": 7, "properties": {"time": 0, "distinct_id": 12, "$insert_id": true}}'))
    assert shop.events("mp_event_name", "distinct_id", "mp_insert_id") == [("7", "12", "true")]


def test_properties_keep_their_values_exactly(shop: Shop) -> None:
    numbers = '"big": 123456789012345678901234567890, "most": 18446744073709551615, "small": -0.1'
    others = '"text": "a\\u0000\\n\\"é\U0001f600", "list": [1, {}, null, true]'
    shop.land(shop.write(f'{{"event": "e", "properties": {{"time": 0, {numbers}, {others}}}}}'))
    assert shop.events("properties") == [(json.loads(f"{{{numbers}, {others}}}"),)]


def test_of_a_key_written_twice_the_first_counts(shop: Shop) -> None:
    shop.land(
        shop.write('{"event": "e", "properties": {"time": 0, "time": 86400, "$insert_id": "a", "$insert_id": "b"}}')
    )
    assert shop.events("time", "mp_insert_id", "properties") == [(datetime(1970, 1, 1, tzinfo=UTC), "a", {})]


@pytest.mark.parametrize("name", ["export.jsonl", "export.jsonl.gz"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n \n"])
def test_line_ends_of_all_kinds_give_the_same_rows(shop: Shop, name: str, end: str) -> None:
    path = shop.folder / name
    content = ("\ufeff" + event("a") + "\r\n\r\n" + event("b") + "\n  \n" + event("c") + end).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    landing = shop.land(path)
    assert shop.events("mp_insert_id", "properties") == [("a", {}), ("b", {}), ("c", {})]
    assert (landing.lines, landing.malformed_rows) == (3, 0)


def test_gzip_of_several_members_lands_whole(shop: Shop) -> None:
    path = shop.folder / "export.jsonl.gz"
    path.write_bytes(b"".join(gzip.compress((event(name) + "\n").encode()) for name in "abc"))
    assert shop.land(path).source_rows == 3


@pytest.mark.parametrize("name", ["a[1].jsonl", "b*.jsonl", "c?.jsonl", "it's {1,2} %20#.jsonl"])
def test_a_file_name_is_a_name_and_never_a_pattern(shop: Shop, name: str) -> None:
    shop.write(event("other"), name="a1.jsonl")
    shop.write(event("other"), name="bb.jsonl")
    shop.land(shop.write(event("own"), name=name))
    assert shop.events("mp_insert_id", "source_file") == [("own", name)]


def test_an_empty_file_is_landed_any_number_of_times(shop: Shop) -> None:
    assert shop.land(shop.write(name="monday.jsonl")).lines == 0
    assert shop.land(shop.write(name="tuesday.jsonl")).rows_per_day == ()
    assert shop.landings() == [("monday.jsonl", 0, 0, 0), ("tuesday.jsonl", 0, 0, 0)]


# Promoted columns


def test_the_customer_id_becomes_a_column_when_a_file_has_it(shop: Shop) -> None:
    shop.land(shop.write(event("a", plan="pro")))
    assert described(shop) == PLAIN_COLUMNS
    shop.land(shop.write(event("b", customer_id="c7", plan="pro"), event("c"), name="second.jsonl"))
    assert described(shop) == [*PLAIN_COLUMNS, ("customer_id", "VARCHAR")]
    shop.land(shop.write(event("d"), name="third.jsonl"))
    assert shop.events("mp_insert_id", "customer_id", "properties", "source_file") == [
        ("a", None, {"plan": "pro"}, "export.jsonl"),
        ("b", "c7", {"plan": "pro"}, "second.jsonl"),
        ("c", None, {}, "second.jsonl"),
        ("d", None, {}, "third.jsonl"),
    ]


PROMOTED = {"n": "INT64", "x": "FLOAT64", "ok": "BOOL", "seen_at": "TIMESTAMP", "$os": "STRING"}


def test_promoted_properties_are_typed(shop: Shop) -> None:
    values = {"n": 9_007_199_254_740_993, "x": 1.5, "ok": True, "seen_at": "2024-08-01T02:00:00.25+02:00", "$os": "iOS"}
    shop.land(
        shop.write(
            event("a", **values),
            event("b", n="12.0", x="2", ok="false", seen_at="2024-08-01 00:00:00", **{"$os": 5}),
            event("c", n=-3, seen_at="2024-08-01"),
            event("d", n=None, x=None, ok=None, seen_at=None, **{"$os": None}),
        ),
        landing={"promote": PROMOTED},
    )
    assert shop.events("n", "x", "ok", "seen_at", "mp_os", "properties") == [
        (9_007_199_254_740_993, 1.5, True, EVENT_TIME.replace(microsecond=250_000), "iOS", {}),
        (12, 2.0, False, EVENT_TIME, "5", {}),
        (-3, None, None, EVENT_TIME, None, {}),
        (None, None, None, None, None, {}),
    ]


def test_a_value_that_its_type_cannot_hold_stays_a_property(shop: Shop) -> None:
    shop.land(
        shop.write(
            event("a", n=12.7, x="inf", ok="maybe", seen_at=1_722_470_400),
            event("b", n="many", x=1, ok=[1], seen_at="today"),
            event("c", n=2**63, x="nan", ok=True, seen_at="2024-08-01T00:00:00Z", mp_processing_time_ms="soon"),
        ),
        landing={"promote": PROMOTED},
    )
    assert shop.events("n", "x", "ok", "seen_at", "mp_processing_time_ms", "properties") == [
        (None, None, None, None, ARRIVAL_MS, {"n": 12.7, "x": "inf", "ok": "maybe", "seen_at": 1_722_470_400}),
        (None, 1.0, None, None, ARRIVAL_MS, {"n": "many", "ok": [1], "seen_at": "today"}),
        (None, None, True, EVENT_TIME, None, {"n": 2**63, "x": "nan", "mp_processing_time_ms": "soon"}),
    ]


def test_a_time_without_an_offset_is_utc_whatever_the_session_says(shop: Shop) -> None:
    shop.connection.execute("SET TimeZone = 'America/New_York'")
    shop.land(shop.write(event("a", seen_at="2024-08-01 00:00:00")), landing={"promote": PROMOTED})
    shop.connection.execute("SET TimeZone = 'UTC'")
    assert shop.events("seen_at", "time", "partition_date") == [(EVENT_TIME, EVENT_TIME, date(2024, 8, 1))]


@pytest.mark.parametrize("key", ['od"d', "a.b", "a/b~c", "it's", "Ünï", "$City Name", "*"])
def test_any_property_name_can_be_promoted(shop: Shop, key: str) -> None:
    shop.land(shop.write(event("a", **{key: "v"})), landing={"promote": {key: "STRING"}})
    [column] = {name for name, _ in described(shop)} - {name for name, _ in PLAIN_COLUMNS}
    assert shop.events(f'"{column}"', "properties") == [("v", {})]


# The source's shape


def test_the_names_in_the_settings_are_the_source_s_names(shop: Shop) -> None:
    columns = {
        "insert_id": "insert_id",
        "event_name": "event_name",
        "time": "occurred_at",
        "arrival": None,
        "loaded_at": None,
    }
    tables = {"source": "raw_events"}
    shop.land(shop.write(event("a")), columns=columns | {"day": None}, tables=tables)
    assert [name for name, *_ in shop.rows("DESCRIBE raw_events")] == [
        "event_name",
        "occurred_at",
        "distinct_id",
        "insert_id",
        "properties",
        "source_file",
    ]
    assert shop.rows("SELECT insert_id, occurred_at, properties::VARCHAR FROM raw_events") == [
        ("a", EVENT_TIME, '{"mp_processing_time_ms":1722470401500}')
    ]
    assert shop.rows("SELECT rows_per_day FROM mp_landings") == [
        ([{"partition_date": date(2024, 8, 1), "source_rows": 1}],)
    ]


def test_a_column_of_another_type_is_refused_before_anything_is_written(shop: Shop) -> None:
    shop.land(shop.write(event("a", customer_id="c1")))
    before = shop.events(), shop.landings()
    with pytest.raises(SourceColumnsError, match="customer_id is VARCHAR, but BIGINT is landed"):
        shop.land(
            shop.write(event("b", customer_id=5), name="second.jsonl"), landing={"promote": {"customer_id": "INT64"}}
        )
    assert (shop.events(), shop.landings()) == before


def test_a_source_of_another_shape_is_refused_before_anything_is_written(shop: Shop) -> None:
    shop.connection.execute("CREATE TABLE mp_master_event AS SELECT 'a' AS mp_insert_id, 5 AS time")
    with pytest.raises(SourceColumnsError) as refused:
        shop.land(shop.write(event("b")))
    assert "time is INTEGER, but TIMESTAMP WITH TIME ZONE is landed" in refused.value.message
    assert "properties is missing" in refused.value.message
    assert shop.rows("SELECT * FROM mp_master_event") == [("a", 5)]


def test_columns_that_landing_does_not_know_stay_null(shop: Shop) -> None:
    shop.land(shop.write(event("a")))
    shop.connection.execute("ALTER TABLE mp_master_event ADD COLUMN team VARCHAR DEFAULT 'x'")
    shop.land(shop.write(event("b"), name="second.jsonl"))
    assert shop.events("mp_insert_id", "team") == [("a", "x"), ("b", "x")]
