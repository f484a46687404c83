"""Plots of what was measured, as SVG files that docs/benchmarks.md shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import altair as alt


@dataclass(frozen=True)
class Plot:
    """A plot, and what it shows in words.

    Attributes:
        name: Of its file, without ending.
    """

    name: str
    says: str
    chart: Any

    @property
    def markdown(self) -> str:
        """The image as docs/benchmarks.md names it."""
        return f"![{self.says}](pictures/{self.name}.svg)"

    def save(self, folder: Path) -> None:
        """Writes the file."""
        folder.mkdir(exist_ok=True)
        self.chart.configure(background="white", font="sans-serif").save(folder / f"{self.name}.svg")


def lines(
    name: str, says: str, rows: Sequence[tuple[str, float, float]], x: str, y: str, *, log: Literal["y", "xy"] | None
) -> Plot:
    """A line for each subject.

    Args:
        rows: (subject, x, y).
        x: The axis' title; so is `y`.
        log: Which axes are logarithmic.
    """
    data = alt.InlineData([{"who": who, "x": at, "y": value} for who, at, value in rows])
    scale_x, scale_y = (alt.Scale(type="log" if log and axis in log else "linear") for axis in "xy")
    base = alt.Chart(data, width=520, height=300).encode(
        x=alt.X("x:Q", title=x, scale=scale_x, axis=alt.Axis(values=sorted({at for _, at, _ in rows}))),
        y=alt.Y("y:Q", title=y, scale=scale_y),
        color=alt.Color("who:N", title=None, sort=None, legend=alt.Legend(orient="top", columns=2, labelLimit=300)),
    )
    return Plot(name, says, base.mark_line(point=True))


def stacked(name: str, says: str, rows: Sequence[tuple[str, str, float]], y: str) -> Plot:
    """One horizontal bar for each subject, made of parts.

    Args:
        rows: (subject, part, value), the parts in order.
    """
    data = alt.InlineData([{"who": w, "part": p, "value": v, "order": i} for i, (w, p, v) in enumerate(rows)])
    parts = list(dict.fromkeys(part for _, part, _ in rows))
    chart = (
        alt.Chart(data, width=520)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=y),
            y=alt.Y("who:N", title=None, sort=None, axis=alt.Axis(labelLimit=300)),
            color=alt.Color("part:N", title=None, sort=parts, legend=alt.Legend(orient="top", columns=5)),
            order="order:Q",
        )
    )
    return Plot(name, says, chart)
