"""The report's charts as Vega-Lite specifications, made by Altair.

A specification names its data (`days`, `spans`, `reasons`, `cells`), its colours (`@kept`) and its ticks (`ticks`,
`tick_format`, `rate_ticks`, `shown_from`, `shown_to`); the page fills them in, so that all charts share one copy of the
figures, follow the reader's light or dark theme and the width of the screen, and show the chosen range.
Days travel as milliseconds of UTC midnight (`start`, `end`, `middle`), so that no reader's time zone moves them.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt

from mixflows.report.insights import Insights, Lateness
from mixflows.settings import Bounds
from mixflows.text import percent

Spec = dict[str, Any]

REASON_COLOURS = ("@reason1", "@reason2", "@reason3", "@reason4", "@reason5", "@reason6")
_AXIS_WIDTH = 54


def specifications(
    bounds: Bounds, reasons: tuple[str, ...], seen: Insights | None = None, *, banded: bool = False
) -> Mapping[str, Spec]:
    """All charts by the name of the element that shows them.

    Args:
        bounds: The bounds of the duplicate rate, as shares.
        reasons: The reasons for rejection, the most frequent first.
        seen: What the profiles tell together.
        banded: Whether the days have a trailing band of the duplicate rate.
    """
    more: dict[str, Spec] = {}
    if seen is not None and seen.lateness is not None and seen.lateness.comes_late:
        more["lateness-curve"] = _lateness(seen.lateness)
    if seen is not None and seen.exact_rows + seen.conflicting_rows:
        more["hours"] = _hours(seen)
    return {
        "duplicate-rate": _duplicate_rate(bounds, banded=banded),
        "kept": _rows_per_span("kept", "@kept", "Kept rows"),
        "rejected": _rows_per_span("rejected", "@rejected", "Rejected rows"),
        "reasons": _reasons(reasons),
        "calendar": _calendar(),
        "took": _took(),
        **more,
    }


def _spec(chart: alt.LayerChart | alt.FacetChart, **size: int | str) -> Spec:
    # Altair's theme and schema address are left out: the page has its own theme and loads nothing. The schema is
    # checked by a test, not while somebody waits for the report.
    spec: Spec = chart.to_dict(validate=False)
    return {key: value for key, value in spec.items() if key not in ("config", "$schema")} | size


def _when(field: str) -> alt.X:
    axis = alt.Axis(
        values={"expr": "ticks"},
        labelExpr="utcFormat(datum.value, tick_format)",
        labelFlush=False,
        labelOverlap=True,
        grid=False,
    )
    scale = alt.Scale(type="utc", nice=False, domainMin={"expr": "shown_from"}, domainMax={"expr": "shown_to"})
    return alt.X(f"{field}:T", title=None, axis=axis, scale=scale)


def _axis(**options: Any) -> alt.Axis:
    """A vertical axis, as wide as all others, so that the charts stand in line."""
    return alt.Axis(minExtent=_AXIS_WIDTH, maxExtent=_AXIS_WIDTH, **options)


def _rows_axis(title: str) -> alt.Axis:
    whole_rows = "datum.value % 1 ? '' : format(datum.value, '~s')"
    return _axis(title=title, labelExpr=whole_rows, tickCount=4)


def _hover(data: alt.NamedData, *fields: alt.Tooltip) -> alt.Chart:
    """A strip over the whole height of each day, so that the tooltip does not have to be aimed at."""
    pointed = alt.selection_point(name="pointed", on="pointerover", clear="pointerout")
    title = alt.Tooltip("title:N", title="title")
    return (
        alt.Chart(data)
        .mark_rect(color="@ink")
        .encode(
            x=_when("start"),
            x2="end:T",
            opacity=alt.condition(pointed, alt.value(0.07), alt.value(0), empty=False),
            tooltip=[title, *fields],
        )
        .add_params(pointed)
    )


def _duplicate_rate(bounds: Bounds, *, banded: bool) -> Spec:
    days, spans = alt.NamedData("days"), alt.NamedData("spans")
    # A square root keeps the usual tenth of a percent readable beside a bad day of many percent.
    share = alt.Y(
        "rate:Q",
        title="Duplicate rate",
        scale=alt.Scale(type="sqrt", domainMin=0, domainMax={"expr": "rate_ticks[rate_ticks.length - 1]"}, nice=False),
        axis=_axis(values={"expr": "rate_ticks"}, format=".2~%", labelOverlap=True),
    )
    band = (
        alt.Chart(spans)
        .mark_area(color="@kept", opacity=0.16, invalid="break-paths-filter-domains")
        .encode(x=_when("middle"), y=alt.Y("band_low:Q", title="Duplicate rate"), y2="band_high:Q")
    )
    line = (
        alt.Chart(spans)
        .mark_line(color="@kept", strokeWidth=1.5, invalid="break-paths-filter-domains")
        .encode(x=_when("middle"), y=alt.Y("published_rate:Q", title="Duplicate rate"))
    )
    # One letter of the calendar a day. On a long range the line is of spans, and only flagged days have a mark.
    letters = ["p", "n", "-", "w", "f"]
    shapes = ["circle", "circle", "circle", "triangle-up", "diamond"]
    colours = ["@kept", "@kept", "@kept", "@warn", "@fail"]
    marks = (
        alt.Chart(days)
        .mark_point(filled=True, opacity=1)
        .encode(
            x=_when("middle"),
            y=share,
            size=alt.Size("mark_size:Q", scale=None),
            shape=alt.Shape("judged:N", legend=None, scale=alt.Scale(domain=letters, range=shapes)),
            color=alt.Color("judged:N", legend=None, scale=alt.Scale(domain=letters, range=colours)),
        )
    )
    hover = _hover(
        spans,
        alt.Tooltip("state_text:N", title="State"),
        alt.Tooltip("rate:Q", title="Duplicate rate", format=".2%"),
        alt.Tooltip("duplicates:Q", title="Duplicates", format=","),
        alt.Tooltip("source:Q", title="Source rows", format=","),
    )
    layers = [*_bound(bounds.warning, "@warn", [6, 4]), *_bound(bounds.critical, "@fail", [])]
    return _spec(alt.layer(*([band] if banded else []), line, marks, *layers, hover), width="container", height=220)


def _lateness(seen: Lateness) -> Spec:
    """The missing share on a logarithmic scale: a hundredth and a thousandth are as far apart as they matter."""
    least = 0.5 / seen.rows
    points = [
        {"days": days, "missing": max(1 - share, least), "text": percent(share, ".4f")} for days, share in seen.curve
    ]
    ticks = [value for value in (1, 0.1, 0.01, 0.001, 0.0001, 0.00001) if value > least]
    base = alt.Chart(alt.InlineData(points)).encode(
        x=alt.X("days:Q", title="Days after the day", axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
        y=alt.Y(
            "missing:Q",
            title="Copies still missing",
            scale=alt.Scale(type="log", nice=False),
            axis=_axis(values=ticks, format="~%"),
        ),
        tooltip=[alt.Tooltip("days:Q", title="Days after"), alt.Tooltip("text:N", title="Had arrived")],
    )
    now = alt.Chart(alt.InlineData([{"days": seen.lookback_days}])).encode(x="days:Q")
    rule = now.mark_rule(color="@warn", strokeDash=[6, 4])
    layers = (
        base.mark_line(interpolate="step-after", color="@kept"),
        base.mark_point(color="@kept", filled=True, size=40),
    )
    return _spec(alt.layer(*layers, rule), width="container", height=200)


def _hours(seen: Insights) -> Spec:
    rows = [
        {"hour": o.name, "kind": kind, "rows": rows, "order": order}
        for o in seen.hours
        for order, (kind, rows) in enumerate(
            (("exact", o.duplicate_rows - o.conflicting_rows), ("other content", o.conflicting_rows))
        )
    ]
    bars = (
        alt.Chart(alt.InlineData(rows))
        .mark_bar()
        .encode(
            x=alt.X("hour:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False)),
            y=alt.Y("rows:Q", axis=_rows_axis("Duplicates")),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=["exact", "other content"], range=["@reason1", "@reason2"]),
                legend=alt.Legend(title=None, orient="top", labelColor="@soft"),
            ),
            order="order:Q",
            tooltip=[
                alt.Tooltip("hour:O", title="Hour"),
                alt.Tooltip("kind:N", title="Duplicates"),
                alt.Tooltip("rows:Q", title="Rows", format=","),
            ],
        )
    )
    return _spec(alt.layer(bars), width="container", height=150)


def _bound(value: float | None, colour: str, dash: list[int]) -> list[alt.Chart]:
    if value is None:
        return []
    # Its name is in the caption: words in the chart would cover marks.
    rule = alt.Chart(alt.InlineData([{"bound": value}])).mark_rule(color=colour, strokeDash=dash, strokeWidth=1.25)
    return [rule.encode(y=alt.Y("bound:Q", title="Duplicate rate"))]


def _rows_per_span(field: str, colour: str, title: str) -> Spec:
    spans = alt.NamedData("spans")
    bars = (
        alt.Chart(spans)
        .mark_rect(color=colour)
        .encode(x=_when("bar_start"), x2="bar_end:T", y=alt.Y(f"{field}:Q", axis=_rows_axis(title)), y2=alt.datum(0))
    )
    stopped = (
        alt.Chart(spans)
        .mark_point(
            shape="diamond", filled=True, color="@fail", stroke="@surface", strokeWidth=1, opacity=1, yOffset=-8
        )
        .encode(x=_when("middle"), y=alt.datum(0), size=alt.Size("stop_size:Q", scale=None))
    )
    hover = _hover(
        spans,
        alt.Tooltip("state_text:N", title="State"),
        alt.Tooltip("source:Q", title="Source rows", format=","),
        alt.Tooltip("kept:Q", title="Kept", format=","),
        alt.Tooltip("rejected:Q", title="Rejected", format=","),
    )
    return _spec(alt.layer(bars, stopped, hover), width="container", height=150)


def _reasons(reasons: tuple[str, ...]) -> Spec:
    colours = [REASON_COLOURS[n % len(REASON_COLOURS)] for n in range(len(reasons))]
    bars = (
        alt.Chart(alt.NamedData("reasons"))
        .mark_rect()
        .encode(
            x=_when("bar_start"),
            x2="bar_end:T",
            y=alt.Y("rows_below:Q", axis=_rows_axis("Rejected rows")),
            y2="rows_up_to:Q",
            color=alt.Color("reason:N", scale=alt.Scale(domain=list(reasons), range=colours), legend=None),
        )
    )
    fields = [alt.Tooltip(f"reason{n}:Q", title=reason, format=",") for n, reason in enumerate(reasons)]
    return _spec(alt.layer(bars, _hover(alt.NamedData("spans"), *fields)), width="container", height=180)


def _took() -> Spec:
    spans = alt.NamedData("spans")
    time = "datum.value >= 120 ? format(datum.value / 60, '~f') + ' min' : format(datum.value, '~f') + ' s'"
    axis = _axis(title="Time a day", labelExpr=time, tickCount=4)
    bars = (
        alt.Chart(spans)
        .mark_rect(color="@kept")
        .encode(x=_when("bar_start"), x2="bar_end:T", y=alt.Y("took:Q", axis=axis), y2=alt.datum(0))
    )
    hover = _hover(
        spans,
        alt.Tooltip("took:Q", title="Seconds a day", format=".2f"),
        alt.Tooltip("source:Q", title="Source rows", format=","),
    )
    return _spec(alt.layer(bars, hover), width="container", height=120)


def _calendar() -> Spec:
    cells = alt.NamedData("cells")
    outcomes = ["pass", "not_judged", "warn", "fail"]
    # The page says how many rows there are, and how high they are: it shows those with trouble, and all when it is asked to.
    rows = alt.Scale(domainMin=0, domainMax={"expr": "calendar_rows"}, reverse=True, nice=False)
    row = alt.Y("top:Q", axis=None, scale=rows)
    tiles = (
        alt.Chart(cells)
        .mark_rect(strokeWidth=1)
        .encode(
            x=_when("start"),
            x2="end:T",
            y=row,
            y2="bottom:Q",
            color=alt.Color(
                "outcome:N",
                legend=None,
                scale=alt.Scale(domain=outcomes, range=["@pass-tile", "@unjudged-tile", "@warn-tile", "@fail-tile"]),
            ),
            stroke=alt.value("@surface"),
            tooltip=[
                alt.Tooltip("title:N", title="title"),
                alt.Tooltip("expectation:N", title="Expectation"),
                alt.Tooltip("outcome_text:N", title="Outcome"),
                alt.Tooltip("detail:N", title="Saw"),
            ],
        )
    )
    signs = (
        alt.Chart(cells)
        .mark_text(fontSize=12, fontWeight="bold", baseline="middle")
        .encode(
            x=_when("middle"),
            y=alt.Y("centre:Q", axis=None),
            text="sign:N",
            color=alt.Color(
                "outcome:N",
                legend=None,
                scale=alt.Scale(domain=outcomes, range=["@pass-sign", "@unjudged-sign", "@warn-sign", "@fail-sign"]),
            ),
        )
    )
    return _spec(alt.layer(tiles, signs)) | {"resolve": {"scale": {"color": "independent"}}}
