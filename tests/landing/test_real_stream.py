"""The real stream: every one of its lines, whatever the packing, as its own bytes say."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.landing.conftest import Shop


def test_every_line_of_the_real_stream_is_in_the_source(shop: Shop, real_stream: Path) -> None:
    expected = json.loads((real_stream.parent / "EXPECTED.json").read_text())
    landing = shop.land(real_stream)
    assert (landing.lines, landing.source_rows, landing.malformed_rows) == (expected["rows"], expected["rows"], 0)
    per_day = {str(day): rows for day, rows in landing.rows_per_day}
    assert (len(per_day), min(per_day), max(per_day)) == (
        expected["days_utc"],
        expected["first_day"],
        expected["last_day"],
    )
    assert {day: per_day[day] for day in expected["busiest_days"]} == {
        day: counts["source"] for day, counts in expected["busiest_days"].items()
    }


def test_the_rows_are_what_plain_python_reads(shop: Shop, real_stream: Path) -> None:
    shop.land(real_stream)
    with gzip.open(real_stream, "rt", encoding="utf-8") as lines:
        expected = Counter(map(as_row, lines))
    found = Counter(
        (name, time, distinct_id, insert_id, arrival, frozenset(json.loads(properties).items()), str(day))
        for name, time, distinct_id, insert_id, arrival, properties, day in shop.rows(
            "SELECT mp_event_name, epoch_us(time), distinct_id, mp_insert_id, mp_processing_time_ms,"
            " properties::VARCHAR, partition_date FROM mp_master_event"
        )
    )
    assert found == expected


def as_row(line: str) -> tuple[object, ...]:
    parsed = json.loads(line)
    properties = parsed["properties"]
    time = properties.pop("time")
    ids = (properties.pop("distinct_id"), properties.pop("$insert_id"), properties.pop("mp_processing_time_ms"))
    day = datetime.fromtimestamp(time, UTC).date().isoformat()
    return (parsed["event"], time * 1_000_000, *ids, frozenset(properties.items()), day)


def test_the_rows_of_a_day_lie_side_by_side(shop: Shop, real_stream: Path) -> None:
    shop.land(real_stream)
    steps_back = shop.rows(
        "SELECT count(*) FROM (SELECT partition_date < lag(partition_date) OVER (ORDER BY rowid) AS back"
        " FROM mp_master_event) WHERE back"
    )
    assert steps_back == [(0,)]
