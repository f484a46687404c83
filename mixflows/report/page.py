"""The report as one HTML file: no request leaves it, and it says the answer before it shows the figures."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from mixflows.costs.billed import in_words, spoken_bytes, spoken_money, spoken_slots
from mixflows.errors import UsageError
from mixflows.files import is_regular, write_text
from mixflows.profile.breakdown import part_label
from mixflows.report.answer import age, answer, freshness, label, limit, near, share, spoken, what_changed
from mixflows.report.charts import REASON_COLOURS, specifications
from mixflows.report.data import collect, to_json
from mixflows.report.figures import DayFigures, DayState, Outcome, ReportData, worst
from mixflows.report.insights import WINDOW_DAYS
from mixflows.report.island import commands_of, day_pages, island, script_json
from mixflows.report.markdown import to_markdown
from mixflows.settings import Settings
from mixflows.settings.paths import is_same_path
from mixflows.text import plain_lines
from mixflows.warehouse.base import Warehouse

Format = Literal["html", "json", "markdown"]

MADE_AT = re.compile(r'<meta name="made-at" content="([^"]+)">|^{"made_at":"([^"]+)"|^Made (\d{4}-\S+)$', re.MULTILINE)
"""When a report was made, as its three formats say it near their beginning."""
SHOWN_DAYS = 31
"""Days whose rows stand open on the page; older ones are folded by year."""

STATE_WORDS = {
    DayState.PUBLISHED: "published",
    DayState.WARNED: "published, with warning",
    DayState.BLOCKED: "blocked",
    DayState.FAILED: "failed",
    DayState.WAITING: "not yet taken",
}


@dataclass(frozen=True)
class Year:
    """Days of one year below the fold, latest first, with what is published of them."""

    year: int
    days: tuple[DayFigures, ...]
    source_rows: int
    kept_rows: int
    rejected_rows: int
    left_out_rows: int
    published_days: int
    holding_days: int


@dataclass(frozen=True)
class ExpectationCounts:
    """One expectation over all shown days."""

    name: str
    suite: str
    counts: dict[str, int]
    last_failure: date | None


def render_html(data: ReportData) -> str:
    """The page: complete in itself, for offline use, in light and dark, from phone to desktop.

    Its content security policy allows no request at all, so that it can be mailed, archived and opened anywhere.
    """
    reasons = data.rejection_reasons
    figures = island(data)
    banded = any(value is not None for value in figures["days"]["band_low"])
    names = tuple(reason for reason, _ in reasons)
    specs = specifications(data.duplicate_rate, names, data.insights, banded=banded)
    latest = data.days[::-1]
    rows = [day.source_rows for day in data.days if day.source_rows]
    return (
        _environment(data.project_timezone)
        .from_string(_asset("page.html.j2"))
        .render(
            data=data,
            answer=answer(data),
            freshness=freshness(data),
            contents=_contents(data),
            marks=Markup(_asset("marks.svg")),
            css=Markup(_asset("page.css")),
            script=Markup(_asset("page.js")),
            day_script=Markup(_asset("day.js")),
            day_pages=Markup(script_json(day_pages(data))),
            shown_properties=data.shown_properties,
            window_days=WINDOW_DAYS,
            usual_rows=median(rows) if rows else None,
            usual_seconds=data.seconds_a_day,
            libraries=Markup(_asset("vega.js")) if data.days else "",
            specs=Markup(script_json(specs)),
            island=Markup(script_json(figures)),
            banded=banded,
            reason_colours=len(REASON_COLOURS),
            attention=[day for day in latest if _needs_repair(day)],
            warned=[day for day in latest if day.state is DayState.WARNED],
            recent=latest[:SHOWN_DAYS],
            years=list(_years(latest[SHOWN_DAYS:])),
            expectations=_expectation_counts(data),
            totals=_total(data.days),
            shown_days=SHOWN_DAYS,
            cost_sentences=in_words(data.costs) if data.costs else (),
        )
    )


def write_report(
    warehouse: Warehouse, settings: Settings, out: Path, *, kind: Format = "html", since: datetime | None = None
) -> Path:
    """Reads the warehouse and writes the report; a reader meets the old one or the new one, never half of one.

    Args:
        warehouse: An open warehouse.
        settings: See `collect`.
        out: The file to write; its folder is made if need be.
        kind: HTML for people, JSON for programs and notebooks, or Markdown for a chat.
        since: What changed since then comes first; by default, since the report was made that is replaced.

    Returns:
        The file that was written.

    Raises:
        WarehouseError: A statement failed.
        OutputError: The file cannot be written.
        UsageError: It is a file that the settings name, such as the warehouse.
    """
    for name, path in settings.files.items():
        if is_same_path(out, path):
            raise UsageError(f"the report would replace {name}, which is {path}", "Name another file for the report.")
    write_text(out, report_text(warehouse, settings, kind=kind, since=since or made_before(out)), "the report")
    return out


def report_text(warehouse: Warehouse, settings: Settings, *, kind: Format, since: datetime | None) -> str:
    """Reads the warehouse and gives the report as text; see `write_report`."""
    data = collect(warehouse, settings, since)
    return {"html": render_html, "json": to_json, "markdown": to_markdown}[kind](data)


def made_before(out: Path) -> datetime | None:
    """When the report was made that is there already, in any format; None where there is none, or another file."""
    if not is_regular(out):
        return None
    try:
        with out.open(encoding="utf-8", errors="replace") as page:
            found = MADE_AT.search(page.read(2000))
        return datetime.fromisoformat(found[found.lastindex or 0]) if found else None
    except (OSError, ValueError):
        return None


def _printable(value: object) -> object:
    """Texts as plain text; what is markup of ours stays."""
    return plain_lines(value) if type(value) is str else value


@cache
def _asset(name: str) -> str:
    return (files("mixflows.report") / "assets" / name).read_text(encoding="utf-8")


def _environment(project_timezone: str) -> Environment:
    zone = ZoneInfo(project_timezone)

    def instant(value: datetime) -> str:
        local = value.astimezone(zone)
        return f"{spoken(local.date())}, {local:%H:%M}"

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    filters: dict[str, Callable[..., object]] = {
        "rows": _rows,
        "share": share,
        "near": near,
        "age": age,
        "seconds": _seconds,
        "spoken": spoken,
        "instant": instant,
        "state": STATE_WORDS.__getitem__,
        "label": label,
        "sentence": _sentence,
        "limit": limit,
        "unbroken": _unbroken,
        "part": _part,
        "commands": commands_of,
        "what_changed": what_changed,
        "bytes": spoken_bytes,
        "money": spoken_money,
        "slots": spoken_slots,
    }
    environment.filters.update(filters)  # pyright: ignore[reportUnknownMemberType] -- Jinja's own annotation is bare
    return environment


def _contents(data: ReportData) -> list[tuple[str, str]]:
    """The sections that the page has, by the id of their heading."""
    seen = data.insights is not None
    sections = [
        ("figures", "Over time", True),
        ("expectations", "Expectations", bool(data.expectations)),
        ("lateness", "Lateness", seen),
        ("keys", "Keys", seen),
        ("origins", "Origins of duplicates", seen),
        ("ages", "Fetched again", bool(data.ages)),
        ("days", "Day by day", True),
        ("time", "Time", data.seconds_a_day is not None),
        ("costs", "Cost", data.costs is not None),
        ("runs", "Runs", True),
    ]
    return [(place, title) for place, title, is_there in sections if is_there]


def _part(name: str) -> str:
    return part_label(name) if part_label(name) == name else f"{part_label(name)} ({name})"


def _needs_repair(day: DayFigures) -> bool:
    return day.state in (DayState.BLOCKED, DayState.FAILED) or (day.published is not None and not day.published.holds)


def _rows(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unbroken(text: str) -> Markup:
    """A sentence whose percentages stay on one line."""
    return Markup(str(escape(plain_lines(text))).replace(" %", "&nbsp;%"))


def _seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _total(days: tuple[DayFigures, ...], year: int = 0) -> Year:
    published = [day.published for day in days if day.published is not None]
    return Year(
        year=year,
        days=days,
        source_rows=sum(p.source_rows for p in published),
        kept_rows=sum(p.kept_rows for p in published),
        rejected_rows=sum(p.rejected_rows for p in published),
        left_out_rows=sum(p.left_out_rows for p in published),
        published_days=len(published),
        holding_days=sum(p.holds for p in published),
    )


def _years(days: tuple[DayFigures, ...]) -> Iterator[Year]:
    for year, of_year in groupby(days, key=lambda day: day.day.year):
        yield _total(tuple(of_year), year)


def _expectation_counts(data: ReportData) -> list[ExpectationCounts]:
    shown: list[ExpectationCounts] = []
    for suite, name in data.expectations:
        found = data.findings[suite, name]
        counts = {outcome.value: 0 for outcome in Outcome}
        last_failure = None
        for day, findings in found.items():
            deciding = worst(findings)
            if deciding is not None:
                counts[deciding.outcome.value] += 1
                last_failure = last_failure if deciding.success else day
        shown.append(ExpectationCounts(name, suite, counts, last_failure))
    return shown
