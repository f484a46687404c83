"""The page in a real browser: it draws all its charts, and says nothing on the console."""

import re
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from mixflows.report.data import collect
from mixflows.report.page import render_html
from mixflows.settings import Settings
from mixflows.settings.model import ReportSettings
from mixflows.verdict import Severity
from tests.report.history import History, duplicate_rate
from tests.support.browser import QUIET

CHARTS = ("duplicate-rate", "kept", "rejected", "reasons", "calendar", "took")
DAY = date(2024, 1, 1)
KEYS = "Duplicates and kept rows under each key"
HISTORY = "Run history (first publish and last 9 runs)"
DRAWN = (*QUIET, "--enable-logging=stderr", "--virtual-time-budget=20000")


def opened(browser: str, html: str, folder: Path, *more: str) -> tuple[str, list[str]]:
    """The page's DOM after it was drawn, and what it said on the console."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    command = [browser, *DRAWN, f"--user-data-dir={folder / 'profile'}", *more, "--dump-dom", file.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ended.stdout, re.findall(r"CONSOLE[^\n]*", ended.stderr)


def drawn(dom: str) -> list[str]:
    """The charts that hold a drawing with marks in it."""
    parts = re.split(r'<div [^>]*id="([a-z-]+)"', dom.split("<script", 1)[0])
    marks = re.compile(r'class="mark-(rect|symbol) role-mark[^"]*"[^>]*><path[^>]* d="M')
    return [name for name, part in zip(parts[1::2], parts[2::2], strict=True) if marks.search(part)]


def report_of(days: int, folder: Path, settings: Settings | None = None) -> str:
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
        return render_html(replace(data, days=tuple(replace(day, **by_key) for day in data.days)))
    finally:
        warehouse.close()


@pytest.mark.parametrize(
    ("days", "more"),
    [
        (1, ("--window-size=1280,2000",)),
        (30, ("--window-size=1280,2000",)),
        (30, ("--window-size=500,2000", "--blink-settings=preferredColorScheme=0")),
        (400, ("--window-size=1280,2000",)),
    ],
    ids=["one day", "a month", "a month, narrow and dark", "a year and more"],
)
def test_every_chart_is_drawn_without_a_word_on_the_console(
    browser: str, days: int, more: tuple[str, ...], tmp_path: Path
) -> None:
    dom, console = opened(browser, report_of(days, tmp_path), tmp_path, *more)
    assert console == []
    assert 'data-drawn="yes"' in dom
    assert drawn(dom) == list(CHARTS)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_days_are_the_same_in_every_readers_time_zone(
    browser: str, zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    dom, _ = opened(browser, report_of(3, tmp_path), tmp_path, "--window-size=1280,2000")
    assert "Mon 1 Jan 2024 to Wed 3 Jan 2024" in dom
    labels = re.findall(r">(\d+ Jan)</text>", dom.split('id="duplicate-rate"', 1)[1])
    assert labels[:3] == ["1 Jan", "2 Jan", "3 Jan"]


def test_a_day_has_a_page_of_its_own(browser: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    settings = Settings(report=ReportSettings(prefect_ui="http://prefect:4200"))
    file.write_text(report_of(12, tmp_path, settings), encoding="utf-8")
    asked = [*DRAWN, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"{file.as_uri()}#day-2024-01-04"]
    dom = subprocess.run([browser, *asked], capture_output=True, text=True, timeout=120, check=True).stdout
    page = dom.split('id="day-page"', 1)[1].split("</section>", 1)[0]
    assert "Thu 4 Jan 2024" in page
    assert re.findall(r"<caption>([^<]+)", page) == ["Figures", "Failed", KEYS, HISTORY]
    assert "0.70 %, allowed 0.5 %" in page
    assert "0.70 % of 2,000 rows are duplicates (limit 0.5 %)." in page.replace("&nbsp;", " ")
    for row in ("Duplicates", "14", "14", "15"), ("Kept", "1,985", "1,985", "1,984"):
        assert f'<th scope="row">{row[0]}</th><td>{"</td><td>".join(row[1:])}</td>' in page
    link = '<a href="http://prefect:4200/runs/flow-run/run-1" rel="noreferrer"><code title="run-1">run-1</code></a>'
    assert (
        f'<th scope="row">{link}</th><td class="whole">2026-03-20 06:00 UTC</td><td>published</td><td>new</td><td>2,000</td>'
        in page
    )
    assert re.search(r"0\.50 s \([\d.]+ % of a full rebuild\)", page)
    assert 'tabindex="-1"' in page
    assert re.findall(r'<button type="button">([^<]+)', page) == ["Day before", "Day after", "Close"]


def test_an_empty_report_needs_no_script(browser: str, tmp_path: Path) -> None:
    dom, console = opened(browser, report_of(0, tmp_path), tmp_path)
    assert console == []
    assert "Nothing has been published yet." in dom
    assert "<script" not in dom
