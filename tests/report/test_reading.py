"""The report as people read it: on a desk and on a phone, light and dark, with a mouse and by keyboard alone.

The pictures are kept in the folder that SCREENSHOTS names, for people to look at; else in a temporary one.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from harness.devtools import Page
from mixflows.report.data import collect
from mixflows.report.insights import insights
from mixflows.report.page import render_html
from mixflows.verdict import Severity
from tests.report.history import History, duplicate_rate, not_judged
from tests.report.test_browser import DAY
from tests.report.test_insights import USUAL, stored

pytestmark = pytest.mark.xdist_group("reading")

DAYS = 60
WARNED = "2024-02-04"
CHARTS = ["duplicate-rate", "kept", "rejected", "reasons", "calendar", "took", "lateness-curve", "hours"]
TITLE = "document.getElementById('day-page').hidden ? null : document.getElementById('day-title').textContent"
FOCUS = "document.activeElement.id || document.activeElement.getAttribute('href') || document.activeElement.tagName"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report of sixty days: with a trailing band, lateness, hours, and a day that is flagged."""
    folder = tmp_path_factory.mktemp("read")
    history = History(folder)
    for n in range(DAYS):
        rate = 0.007 if n % 31 == 3 else 0.001 + n % 7 / 5000
        found = duplicate_rate(rate), duplicate_rate(rate, Severity.CRITICAL), not_judged("volume_change", "no history")
        rejected = {"Duplicate event": round(5000 * rate), "Missing insert id": 1 + n % 3}
        history.published(DAY + timedelta(days=n), 5000, rejected, *found)
    warehouse = history.write()
    data = collect(warehouse, history.settings)
    warehouse.close()
    told = insights(stored(*[USUAL] * 30), history.settings)
    file = folder / "report.html"
    file.write_text(render_html(replace(data, insights=told)), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("device", "width"), [("desk", 1280), ("phone", 390)])
def test_every_chart_is_there_and_nothing_is_cut_off(
    reader: Page, report: str, pictures: Path, device: str, width: int, dark: bool
) -> None:
    reader.open(report, width, 900, dark=dark, touch=device == "phone")
    for name in CHARTS:
        assert reader.value(f"document.querySelectorAll('#{name} svg path[d]').length") > 1, name
    assert reader.value("document.querySelectorAll('#duplicate-rate svg .mark-area path[d]').length") >= 1
    assert reader.value("document.documentElement.scrollWidth") <= width
    shade = reader.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (sum(shade) < 384) == dark
    reader.picture(pictures / f"report-{device}-{'dark' if dark else 'light'}.png")
    reader.open(f"{report}#day-{WARNED}", width, 900, dark=dark, touch=device == "phone")
    assert reader.value("document.documentElement.scrollWidth") <= width
    reader.picture(pictures / f"report-day-{device}-{'dark' if dark else 'light'}.png")


def test_a_click_on_the_calendar_opens_the_day_and_escape_closes_it(reader: Page, report: str) -> None:
    reader.open(report, 1280, 900, dark=False)
    assert reader.value(TITLE) is None
    reader.click("[...document.querySelectorAll('#calendar svg .mark-rect path')].at(-1)")
    reader.until(f"({TITLE}) === 'Thu 29 Feb 2024'")
    assert reader.value("location.hash") == "#day-2024-02-29"
    assert reader.value(FOCUS) == "day-title"
    reader.press("Escape")
    assert (reader.value(TITLE), reader.value("location.hash")) == (None, "")


def test_a_day_is_opened_walked_and_closed_by_keyboard_alone(reader: Page, report: str) -> None:
    reader.open(report, 1280, 900, dark=False)
    wanted = f"#day-{WARNED}"
    for _ in range(200):
        if reader.value(FOCUS) == wanted:
            break
        reader.press("Tab")
    assert reader.value(FOCUS) == wanted
    assert reader.value("document.activeElement.matches(':focus-visible')")
    assert reader.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    reader.press("Enter")
    assert (reader.value(TITLE), reader.value(FOCUS)) == ("Sun 4 Feb 2024", "day-title")
    reader.press("Tab")
    assert reader.value("document.activeElement.textContent") == "Day before"
    reader.press("Enter")
    assert (reader.value(TITLE), reader.value(FOCUS)) == ("Sat 3 Feb 2024", "day-title")
    reader.press("Escape")
    assert (reader.value(TITLE), reader.value(FOCUS)) == (None, wanted)


def test_a_phone_shows_the_calendars_last_days_and_its_failures_at_once(reader: Page, report: str) -> None:
    reader.open(report, 390, 844, dark=False, touch=True)
    assert reader.value("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.calendar .scroll'))")
    assert reader.value("document.getElementById('calendar-rows').firstElementChild.textContent") == "Duplicate rate"


def test_a_command_is_copied_by_its_button(reader: Page, report: str) -> None:
    reader.open(f"{report}#day-{WARNED}", 1280, 900, dark=False)
    reader.click("document.querySelector('#day-page pre.command .copy')")
    reader.until("document.querySelector('#day-page pre.command .copy').textContent === 'Copied'")
    assert (
        reader.value("document.querySelector('#day-page pre.command code').textContent") == f"mixflows inspect {WARNED}"
    )


def test_nothing_that_is_printed_can_be_pressed(reader: Page, report: str) -> None:
    reader.open(f"{report}#day-{WARNED}", 1280, 900, dark=False)
    reader.send("Emulation.setEmulatedMedia", media="print")
    pressed = "[...document.querySelectorAll('button, select, nav')].filter((it) => it.offsetParent !== null).length"
    assert reader.value(pressed) == 0
    reader.send("Emulation.setEmulatedMedia", media="screen")
