import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mixflows.errors import OutputError
from mixflows.model import PlanReason, Status
from mixflows.profile.breakdown import Breakdown, Counts
from mixflows.report.data import collect
from mixflows.report.page import render_html, write_report
from mixflows.settings.model import ReportSettings
from mixflows.verdict import Finding, Severity
from tests.report.history import FIRST_RUN_AT, MARKER, History, duplicate_rate, not_judged
from tests.report.html_page import Page

pytestmark = pytest.mark.xdist_group("page")

DAY = date(2026, 3, 10)
DAYS = [DAY + timedelta(days=n) for n in range(5)]
RUN_ID = "0197f0a2-3b1c-7d4e-8f00-1234567890ab"


def five_days(folder: Path) -> History:
    """Fine, flagged, blocked, failed, and landed only."""
    made = History(folder)
    made.landed(FIRST_RUN_AT - timedelta(hours=1), dict.fromkeys(DAYS, 2000), malformed=2)
    made.published(
        DAYS[0],
        2000,
        {"Duplicate event": 2, "Missing insert id": 1},
        duplicate_rate(0.001),
        duplicate_rate(0.001, Severity.CRITICAL),
        not_judged("volume_change", "fewer than 7 days of history"),
    )
    made.published(
        DAYS[1],
        2000,
        {"Duplicate event": 14},
        duplicate_rate(0.007),
        duplicate_rate(0.007, Severity.CRITICAL),
    )
    made.ran(
        DAYS[2],
        Status.BLOCKED,
        duplicate_rate(0.124),
        duplicate_rate(0.124, Severity.CRITICAL),
        Finding("rows", "time_within_day", Severity.CRITICAL, success=False, unexpected_count=3),
        source_rows=2000,
        duplicate_rows=248,
    )
    made.ran(DAYS[3], Status.FAILED, error="day 2026-03-13: no space left <b>")
    return made


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Five days, and what the test adds to them."""
    return five_days(tmp_path)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of the five days as they are."""
    return page(five_days(tmp_path_factory.mktemp("page")))


def page(history: History) -> Page:
    warehouse = history.write()
    try:
        return Page(render_html(collect(warehouse, history.settings)))
    finally:
        warehouse.close()


def test_the_answer_comes_first(shown: Page) -> None:
    assert shown.headings[0] == "The table reaches Wed 11 Mar 2026, and 1 day cannot be trusted."
    assert "Fri 13 Mar 2026 failed." in shown.text
    assert "Thu 12 Mar 2026 is blocked by the quality gate." in shown.text
    assert "Sat 14 Mar 2026 was landed and not yet taken by a run." in shown.text
    assert "All 2 published days add up: source = kept + rejected." in shown.text
    assert "1 file, the last on Fri 20 Mar 2026, 05:00: 10,002 lines = 10,000 source rows + 2 malformed." in shown.text


def test_the_table_of_days_shows_the_equation_of_each(shown: Page) -> None:
    head, *rows = shown.table("All days, latest first")
    assert head == ["Day", "State", "Source", "", "Kept", "", "Rejected", "Adds up", "Duplicate rate"]
    assert rows == [
        ["Sat 14 Mar 2026", "not yet taken", "2,000", "", "nothing published", "", ""],
        ["Fri 13 Mar 2026", "failed", "", "", "nothing published", "", ""],
        ["Thu 12 Mar 2026", "blocked", "2,000", "", "nothing published", "", "12.40 %"],
        ["Wed 11 Mar 2026", "published, with warning", "2,000", "=", "1,986", "+", "14", "yes", "0.70 %"],
        ["Tue 10 Mar 2026", "published", "2,000", "=", "1,997", "+", "3", "yes", "0.10 %"],
    ]


def test_a_blocked_day_says_why_and_what_to_do(shown: Page) -> None:
    told = shown.text.replace("\xa0", " ")
    assert "Time within day: 3 rows; also failed: duplicate rate." in told
    assert "mixflows inspect 2026-03-12" in told
    assert 'mixflows release 2026-03-12 --because "…"' in told
    assert "day 2026-03-13: no space left <b>" in shown.text.replace("Day 2026", "day 2026")


def test_a_flagged_day_is_shown_with_its_warning(shown: Page) -> None:
    assert "0.70 % of 2,000 rows are duplicates (limit 0.5 %)." in shown.text.replace("\xa0", " ")


@pytest.mark.parametrize(("behind", "badge"), [(0, "up to date"), (1, "1 day behind"), (149, "149 days behind")])
def test_a_badge_says_how_far_the_table_reaches(history: History, behind: int, badge: str) -> None:
    warehouse = history.write()
    data = collect(warehouse, history.settings)
    warehouse.close()
    shown = Page(render_html(replace(data, expected_day=DAYS[1] + timedelta(days=behind))))
    assert badge in shown.text


def test_every_entry_of_the_contents_leads_to_a_section(shown: Page) -> None:
    contents = shown.html.split('class="contents"', 1)[1].split("</nav>", 1)[0]
    ids = re.findall(r'href="#([a-z]+)"', contents)
    assert {"figures", "expectations", "days", "runs"} <= set(ids)
    assert all(f'id="{name}"' in shown.html for name in ids)


def test_a_day_that_does_not_add_up_is_marked_wherever_it_is_shown(history: History) -> None:
    history.ran(DAYS[4], Status.PUBLISHED, source_rows=100)
    history.holds(DAYS[4], 97)
    shown = page(history)
    row = ["Sat 14 Mar 2026", "does not add up", "100", "≠", "97", "+", "0", "no, -3", "0.00 %"]
    assert shown.table("Days that do not add up")[1:] == [row]
    assert shown.table("All days, latest first")[1] == row
    assert "100 source rows ≠ 97 kept + 0 rejected (-3)" in shown.text
    assert "Not every delivered row is accounted for" in shown.headings


def test_the_charts_get_the_figures_of_every_day(shown: Page) -> None:
    figures = shown.data("figures-data")
    assert figures["days"] == {
        "day": [day.isoformat() for day in DAYS],
        "state": ["published", "warned", "blocked", "failed", "waiting"],
        "source": [2000, 2000, 2000, None, 2000],
        "kept": [1997, 1986, None, None, None],
        "rejected": [3, 14, None, None, None],
        "duplicates": [2, 14, 248, None, None],
        "rate": [0.001, 0.007, 0.124, None, None],
        "took": [0.5, 0.5, 0.5, None, None],
        "band_low": [None] * 5,
        "band_high": [None] * 5,
    }
    assert figures["rebuild"] == 2.5  # half a second for each of five days
    assert figures["reasons"] == [
        {"name": "Duplicate event", "rows": [2, 14, 0, 0, 0]},
        {"name": "Missing insert id", "rows": [1, 0, 0, 0, 0]},
    ]
    calendar = [(e["name"], e["outcomes"]) for e in figures["expectations"]]
    assert calendar == [("duplicate_rate", "pwf--"), ("time_within_day", "--f--"), ("volume_change", "n----")]
    assert figures["troubled"] == 2  # those that failed come first
    saw = [figures["texts"][n] for n in figures["expectations"][0]["saw"]]
    assert saw == ["0.10 %", "0.70 %, allowed 0.5 %", "12.40 %, allowed 1 %", "", ""]


def test_the_last_runs_are_listed(shown: Page) -> None:
    _, *rows = shown.table("The last 1 runs, latest first")
    assert rows == [["Fri 20 Mar 2026, 06:00", "run-1", "2", "0", "1", "1", "2.0 s", "6,000", "4,000"]]


def test_a_days_runs_are_told_whole_with_why_they_ended_so(history: History) -> None:
    history.settings = history.settings.model_copy(update={"report": ReportSettings(prefect_ui="http://prefect:4200/")})
    history.ran(
        DAYS[2],
        Status.PUBLISHED,
        source_rows=2000,
        rejected_rows=248,
        duplicate_rows=248,
        run_id=RUN_ID,
        started_at=FIRST_RUN_AT + timedelta(hours=2),
        reason=PlanReason.RELEASED,
        note=f"released: copies are exact (duplicate_rate 12.4 %) {'x' * 500}",
    )
    told = page(history).data("day-pages")
    assert told["prefect_ui"] == "http://prefect:4200"
    _, released = told["days"][2]["history"]
    run_id, ended, status, why, *rows, note = released
    assert (run_id, ended, status, why) == (RUN_ID, "2026-03-20 08:00 UTC", "published", "released")
    assert rows == [2000, 248, 0, 0.124]
    assert note.startswith("released: copies are exact (duplicate_rate 12.4 %)")
    assert len(note) == 200


def test_the_reason_of_a_release_is_in_the_page(history: History) -> None:
    history.ran(
        DAYS[2],
        Status.PUBLISHED,
        duplicate_rate(0.124, Severity.CRITICAL),
        source_rows=2000,
        started_at=FIRST_RUN_AT + timedelta(hours=2),
        reason=PlanReason.RELEASED,
        note="released: <b>copies</b> are exact (duplicate_rate 12.4 %)",
    )
    assert "Released: <b>copies</b> are exact (duplicate_rate 12.4 %)" in page(history).text


def test_the_counts_of_each_expectation_are_a_table(shown: Page) -> None:
    _, *rows = shown.table("Days by outcome for each expectation, all days")
    assert rows == [
        ["Duplicate rate", "figures", "1", "1", "1", "0", "Thu 12 Mar 2026"],
        ["Time within day", "rows", "0", "0", "1", "0", "Thu 12 Mar 2026"],
        ["Volume change", "figures", "0", "0", "0", "1", "never"],
    ]


def test_the_page_loads_nothing(shown: Page) -> None:
    assert [r for r in shown.references if not r.startswith(("#", "data:"))] == []
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', shown.html)
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    for style in re.findall(r"<style>(.*?)</style>", shown.html, re.DOTALL):
        assert not re.search(r"@import|url\(", style)


def test_the_page_can_be_read_without_seeing_it(shown: Page) -> None:
    assert shown.unlabelled == []
    assert '<html lang="en">' in shown.html
    assert all(shown.headings)


def test_no_value_of_a_property_and_no_user_id_is_in_the_page(shown: Page) -> None:
    assert MARKER not in shown.html


def test_words_of_the_ledger_cannot_become_markup_or_end_a_script(history: History) -> None:
    evil = Finding("figures", "</script><script>alert(1)", Severity.WARNING, success=False, observed_value=1.0)
    history.published(DAYS[4], 10, {}, evil)
    html = page(history).html
    assert "no space left <b>" not in html
    assert "<script>alert" not in html


def test_an_empty_warehouse_says_what_to_do_next(tmp_path: Path) -> None:
    shown = page(History(tmp_path))
    assert shown.headings == ["Nothing has been published yet."]
    assert "mixflows land export.jsonl.gz mixflows backfill mixflows report --out report.html" in shown.text
    assert "<script" not in shown.html
    assert len(shown.html) < 20_000


def test_landed_days_alone_are_to_be_published_next(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.landed(FIRST_RUN_AT, {DAY: 10})
    shown = page(history)
    assert shown.headings[0] == "Nothing has been published yet."
    assert "Tue 10 Mar 2026 was landed and waits for a run." in shown.text
    assert "mixflows land" not in shown.text
    assert "mixflows backfill mixflows report --out report.html" in shown.text


def test_where_every_day_failed_only_what_helps_them_is_shown(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.landed(FIRST_RUN_AT, {DAY: 10})
    history.ran(DAY, Status.FAILED, error="no space left")
    shown = page(history)
    assert shown.text.count("mixflows backfill --mode failed") == 1
    assert "Publish what was landed" not in shown.text
    assert "Kept and rejected rows" not in shown.headings


def test_two_years_of_days_stay_under_three_megabytes(history: History) -> None:
    warehouse = history.write()
    data = collect(warehouse, history.settings)
    warehouse.close()
    hours = {f"{hour:02d}:00": Counts(50_000, 50 + hour) for hour in range(24)}
    names = {f"Event with a usual name {n}": Counts(100_000 + n, 100 + n) for n in range(12)}
    broken = Breakdown({"event": names, "hour": hours, "mp_lib": dict(list(names.items())[:5])})
    days = tuple(replace(data.days[n % 4], day=DAY + timedelta(days=n), breakdown=broken) for n in range(731))
    html = render_html(replace(data, days=days))
    assert len(html.encode()) < 3_000_000
    shown = Page(html)
    listed = [
        row[0] for caption, rows in shown.tables for row in rows[1:] if caption.startswith(("The latest", "Days of"))
    ]
    assert len(listed) == 731


def test_times_are_told_in_the_projects_time_zone(history: History) -> None:
    history.settings = history.settings.model_copy(update={"project_timezone": "Asia/Tokyo"})
    warehouse = history.write()
    data = replace(collect(warehouse, history.settings), made_at=datetime(2026, 3, 20, 23, 0, tzinfo=UTC))
    warehouse.close()
    assert "Made Sat 21 Mar 2026, 08:00 (Asia/Tokyo)" in Page(render_html(data)).text


def test_a_report_is_written_whole_or_not_at_all(history: History, tmp_path: Path) -> None:
    out = tmp_path / "reports" / "today.html"
    warehouse = history.write()
    assert write_report(warehouse, history.settings, out) == out
    first = out.read_text(encoding="utf-8")
    assert first.rstrip().endswith("</html>")
    assert [path.name for path in out.parent.iterdir()] == ["today.html"]
    (tmp_path / "a file").write_text("")
    with pytest.raises(OutputError, match="the report cannot be written to"):
        write_report(warehouse, history.settings, tmp_path / "a file" / "today.html")
    with pytest.raises(OutputError, match="the report cannot be written to"):
        write_report(warehouse, history.settings, out.parent)
    warehouse.close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".part") == []
