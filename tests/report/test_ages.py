"""What fetching days again still found, as the report says it in all its formats."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mixflows.report.ages import AgeFigures, ages
from mixflows.report.data import to_json
from mixflows.report.markdown import to_markdown
from mixflows.report.page import render_html
from tests.report.html_page import Page
from tests.report.test_collect import read
from tests.report.test_page import five_days

DAY = date(2026, 7, 1)


def landed(first: date, last: date, at: datetime, **rows: int) -> Mapping[str, object]:
    none = dict.fromkeys(("restated_rows", "new_rows", "back_rows", "gone_rows"), 0)
    return {"first_day": first, "last_day": last, "landed_at": at} | none | rows


def test_days_fetched_again_are_counted_by_the_age_that_they_had_reached() -> None:
    week = DAY - timedelta(days=6)
    rows = [
        landed(week, DAY, datetime(2026, 7, 2, 3, tzinfo=UTC), new_rows=700),
        landed(DAY, DAY, datetime(2026, 7, 2, 22, 30, tzinfo=UTC), new_rows=5),
        landed(DAY, DAY, datetime(2026, 7, 3, 3, tzinfo=UTC), new_rows=6, restated_rows=2),
        landed(DAY, DAY, datetime(2026, 7, 8, 3, tzinfo=UTC), gone_rows=3, back_rows=1),
        landed(week, week, datetime(2026, 7, 8, 3, tzinfo=UTC), restated_rows=4),
        landed(DAY + timedelta(days=1), DAY + timedelta(days=1), datetime(2026, 7, 9, tzinfo=UTC), new_rows=9),
    ]
    assert ages(rows, (1, 3, 7), ZoneInfo("Europe/Berlin")) == (
        AgeFigures(1, days=2, restated_rows=2, new_rows=11),
        AgeFigures(3, days=1, gone_rows=3, back_rows=1),
        AgeFigures(7, days=1, restated_rows=4),
    )


def test_the_report_shows_ages_only_where_days_were_fetched_again(tmp_path: Path) -> None:
    without = read(five_days(tmp_path))
    assert without.ages == ()
    assert "Fetched again" not in render_html(without) + to_markdown(without)
    data = replace(without, ages=(AgeFigures(7, days=2, restated_rows=1_401, new_rows=36, gone_rows=3),))
    _, row = Page(render_html(data)).table("What fetching days again still found, by their age")
    assert row == ["7 days", "2", "1,401", "36", "0", "3"]
    assert "| 7 days | 2 | 1,401 | 36 | 0 | 3 |" in to_markdown(data)
    assert json.loads(to_json(data))["ages"][0]["restated_rows"] == 1_401
