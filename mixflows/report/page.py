"""The report as one HTML file: no request leaves it, and it says the answer before it shows the figures."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mixflows.costs import in_words, spoken_bytes, spoken_money, spoken_slots
from mixflows.errors import WarehouseFullError
from mixflows.report.answer import answer, bound, figure, label, share, spoken, why_stopped
from mixflows.report.charts import CALENDAR_ROW_HEIGHT, REASON_COLOURS, specifications
from mixflows.report.data import Queries, collect
from mixflows.report.figures import DayFigures, DayState, Outcome, ReportData, worst
from mixflows.report.island import island, script_json
from mixflows.settings import Settings

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
    specs = specifications(data.duplicate_rate, tuple(reason for reason, _ in reasons), len(data.expectations))
    latest = data.days[::-1]
    return (
        _environment(data.project_timezone)
        .from_string(_asset("page.html.j2"))
        .render(
            data=data,
            answer=answer(data),
            marks=Markup(_asset("marks.svg")),
            css=Markup(_asset("page.css")),
            script=Markup(_asset("page.js")),
            libraries=Markup(_chart_libraries()) if data.days else "",
            specs=Markup(script_json(specs)),
            island=Markup(script_json(island(data))),
            row_height=CALENDAR_ROW_HEIGHT,
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


def write_report(warehouse: Queries, settings: Settings, out: Path) -> Path:
    """Reads the warehouse and writes the page; a reader meets the old page or the new one, never half of one.

    Args:
        warehouse: An open warehouse.
        settings: See `collect`.
        out: The file to write; its folder is made if need be.

    Returns:
        The file that was written.

    Raises:
        WarehouseError: A statement failed.
        WarehouseFullError: The file cannot be written.
    """
    html = render_html(collect(warehouse, settings))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", suffix=".part", delete=False) as part:
            part.write(html.encode())
        _replace(out, Path(part.name))
    except OSError as err:
        raise WarehouseFullError(
            f"the report cannot be written to {out}: {err.strerror}",
            "Name a file in a folder you can write to with --out.",
        ) from err
    return out


def _replace(out: Path, part: Path) -> None:
    try:
        part.chmod(0o644)
        part.replace(out)
    except OSError:
        part.unlink(missing_ok=True)
        raise


@cache
def _chart_libraries() -> str:
    # Vega, Vega-Lite and Vega-Embed in one script for all charts, of the versions that go with Altair's specifications.
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


@cache
def _asset(name: str) -> str:
    return (files("mixflows.report") / "assets" / name).read_text(encoding="utf-8")


def _environment(project_timezone: str) -> Environment:
    zone = ZoneInfo(project_timezone)

    def instant(value: datetime) -> str:
        local = value.astimezone(zone)
        return f"{spoken(local.date())}, {local:%H:%M}"

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    filters: dict[str, Callable[..., object]] = {
        "rows": _rows,
        "share": share,
        "seconds": _seconds,
        "spoken": spoken,
        "instant": instant,
        "state": STATE_WORDS.__getitem__,
        "label": label,
        "sentence": _sentence,
        "figure": figure,
        "bound": bound,
        "why_stopped": why_stopped,
        "bytes": spoken_bytes,
        "money": spoken_money,
        "slots": spoken_slots,
    }
    environment.filters.update(filters)  # pyright: ignore[reportUnknownMemberType] -- Jinja's own annotation is bare
    return environment


def _needs_repair(day: DayFigures) -> bool:
    return day.state in (DayState.BLOCKED, DayState.FAILED) or (day.published is not None and not day.published.holds)


def _rows(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


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
        counts = {outcome.value: 0 for outcome in Outcome}
        last_failure = None
        for day in data.days:
            deciding = worst(f for f in day.findings if (f.suite, f.expectation) == (suite, name))
            if deciding is not None:
                counts[deciding.outcome.value] += 1
                last_failure = last_failure if deciding.success else day.day
        shown.append(ExpectationCounts(name, suite, counts, last_failure))
    return shown
