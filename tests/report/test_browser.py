"""The page in a real browser: it draws all its charts, and says nothing on the console."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from harness.devtools import Page
from mixflows.report.data import collect
from mixflows.report.page import render_html
from mixflows.settings import Settings
from mixflows.settings.model import ReportSettings
from mixflows.verdict import Severity
from tests.report.history import History, duplicate_rate

pytestmark = pytest.mark.xdist_group("reading")

CHARTS = ("duplicate-rate", "kept", "rejected", "reasons", "calendar", "took")
DAY = date(2024, 1, 1)
KEYS = "Duplicates and kept rows under each key"
HISTORY = "Run history (first publish and last 9 runs)"


def dom(reader: Page) -> str:
    return reader.value("document.documentElement.outerHTML")


def drawn(dom: str) -> list[str]:
    """The charts that hold a drawing with marks in it."""
    parts = re.split(r'<div [^>]*id="([a-z-]+)"', dom.split("<script", 1)[0])
    marks = re.compile(r'class="mark-(rect|symbol) role-mark[^"]*"[^>]*><path[^>]* d="M')
    return [name for name, part in zip(parts[1::2], parts[2::2], strict=True) if marks.search(part)]


def report_of(days: int, folder: Path, settings: Settings | None = None) -> str:
    """The address of a report of so many days."""
    history = History(folder, settings)
    for n in range(days):
        rate = 0.007 if n % 10 == 3 else 0.001
        rejected = {"Duplicate event": round(2000 * rate), "Missing insert id": 1}
        found = duplicate_rate(rate), duplicate_rate(rate, Severity.CRITICAL)
        history.published(DAY + timedelta(days=n), 2000, rejected, *found)
    warehouse = history.write()
    try:
        data = collect(warehouse, history.settings)
        by_key = {"rejected_by_key": (14, 14, 15), "kept_by_key": (1985, 1985, 1984)}
    finally:
        warehouse.close()
    file = folder / "report.html"
    file.write_text(
        render_html(replace(data, days=tuple(replace(day, **by_key) for day in data.days))), encoding="utf-8"
    )
    return file.as_uri()


@pytest.mark.parametrize(
    ("days", "width", "dark"),
    [(1, 1280, False), (30, 500, True), (400, 1280, False)],
    ids=["one day", "a month, narrow and dark", "a year and more"],
)
def test_every_chart_is_drawn_without_a_word_on_the_console(
    reader: Page, days: int, width: int, dark: bool, tmp_path: Path
) -> None:
    reader.open(report_of(days, tmp_path), width, 2000, dark=dark)
    assert drawn(dom(reader)) == list(CHARTS)
    assert reader.said == []


@pytest.fixture(params=["America/Los_Angeles", "Pacific/Auckland"])
def zone(request: pytest.FixtureRequest, reader: Page) -> Iterator[str]:
    """The reader's time zone."""
    reader.send("Emulation.setTimezoneOverride", timezoneId=request.param)
    yield request.param
    reader.send("Emulation.setTimezoneOverride", timezoneId="")


def test_days_are_the_same_in_every_readers_time_zone(reader: Page, zone: str, tmp_path: Path) -> None:
    reader.open(report_of(3, tmp_path), 1280, 2000, dark=False)
    assert reader.value("Intl.DateTimeFormat().resolvedOptions().timeZone") == zone
    assert "Mon 1 Jan 2024 to Wed 3 Jan 2024" in dom(reader)
    labels = re.findall(r">(\d+ Jan)</text>", dom(reader).split('id="duplicate-rate"', 1)[1])
    assert labels[:3] == ["1 Jan", "2 Jan", "3 Jan"]


def test_a_day_has_a_page_of_its_own(reader: Page, tmp_path: Path) -> None:
    settings = Settings(report=ReportSettings(prefect_ui="http://prefect:4200"))
    reader.open(f"{report_of(12, tmp_path, settings)}#day-2024-01-04", 1280, 2000, dark=False)
    shown = dom(reader).split('id="day-page"', 1)[1].split("</section>", 1)[0]
    assert "Thu 4 Jan 2024" in shown
    assert re.findall(r"<caption>([^<]+)", shown) == ["Figures", "Failed", KEYS, HISTORY]
    assert "0.70 %, allowed 0.5 %" in shown
    assert "0.70 % of 2,000 rows are duplicates (limit 0.5 %)." in shown.replace("&nbsp;", " ")
    for row in ("Duplicates", "14", "14", "15"), ("Kept", "1,985", "1,985", "1,984"):
        assert f'<th scope="row">{row[0]}</th><td>{"</td><td>".join(row[1:])}</td>' in shown
    link = '<a href="http://prefect:4200/runs/flow-run/run-1" rel="noreferrer"><code title="run-1">run-1</code></a>'
    assert (
        f'<th scope="row">{link}</th><td class="whole">2026-03-20 06:00 UTC</td><td>published</td><td>new</td><td>2,000</td>'
        in shown
    )
    assert re.search(r"0\.50 s \([\d.]+ % of a full rebuild\)", shown)
    assert 'tabindex="-1"' in shown
    assert re.findall(r'<button type="button">([^<]+)', shown) == ["Day before", "Day after", "Close"]


def test_an_empty_report_needs_no_script(reader: Page, tmp_path: Path) -> None:
    reader.open(report_of(0, tmp_path), 1280, 2000, dark=False, draws=False)
    assert reader.said == []
    assert "Nothing has been published yet." in dom(reader)
    assert "<script" not in dom(reader)
