"""The real stream is landed whole, day by day; tests/oracle compares each of its rows with what plain Python reads."""

import json
from pathlib import Path

from tests.landing.conftest import Shop


def test_every_line_of_the_real_stream_is_in_the_source_and_those_of_a_day_lie_side_by_side(
    shop: Shop, real_stream: Path
) -> None:
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
    steps_back = shop.rows(
        "SELECT count(*) FROM (SELECT partition_date < lag(partition_date) OVER (ORDER BY rowid) AS back"
        " FROM mp_master_event) WHERE back"
    )
    assert steps_back == [(0,)]
