"""What a benchmark finds, and how it stands in docs/benchmarks.md."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.plots import Plot

VERSIONS = ("duckdb", "sqlglot", "great-expectations", "pandas", "prefect")
FIGURES = ("Figure", "Measured", "Limit", "")
DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `make bench`; each part is measured anew and replaced by `python -m benchmarks --only NAME`, or with `--full`, whose
longer sizes have sections of their own. All sides of a ratio are measured in one run, small ones in turns, and medians are
taken of those that run more than once. On a busy machine wall-clock ratios move too, as one side may use the second core
and the other not: mind the load that stands below each part. CPU seconds are of all threads, and of all processes that a command
starts. Where a figure is missed, the command ends with 1.

The original design is the dbt project that mixflows replaces: everything staged anew each day, then a merge and a join over the
whole history. Its statements, and both dbt projects, are in `benchmarks/rivals/`.
"""


@dataclass(frozen=True)
class Figure:
    """One figure that has a limit."""

    name: str
    value: float
    limit: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit

    def row(self) -> tuple[str, str, str, str]:
        """Its row in the table of figures."""
        by = f" by {self.value / self.limit - 1:.0%}" if self.limit else ""
        end = "met" if self.met else f"**missed{by}**"
        return self.name, f"{_cell(self.value)} {self.unit}", f"{self.limit:g} {self.unit}", end


@dataclass(frozen=True)
class Table:
    """A table of what was measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass(frozen=True)
class Answer:
    """What one benchmark found."""

    question: str
    figures: Sequence[Figure]
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    plots: Sequence[Plot] = ()


def section(name: str, answer: Answer, words: str, seconds: float) -> str:
    """An answer in Markdown."""
    lines = [f"## {name}", "", answer.question, ""]
    if answer.figures:
        lines += [*_table(FIGURES, [figure.row() for figure in answer.figures]), ""]
    for table in answer.tables:
        lines += [f"{table.title}:", "", *_table(table.columns, table.rows), ""]
    for plot in answer.plots:
        lines += [plot.save(), ""]
    lines += [*(f"- {note}" for note in answer.notes), *([""] if answer.notes else [])]
    lines += [f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC in {seconds:.0f} s by `{words}` on {_machine()}.", ""]
    return "\n".join(lines)


def write(sections: dict[str, str], names: Sequence[str], document: Path = DOCUMENT) -> None:
    """Puts sections into the document, in the order of `names`; those that were not measured now stay as they are."""
    before = document.read_text(encoding="utf-8") if document.is_file() else ""
    parts = {part.split("\n", 1)[0]: f"## {part}" for part in re.split(r"(?m)^## ", before)[1:]}
    held = [(parts | sections)[name] for name in dict.fromkeys(names) if name in parts or name in sections]
    rows = [row for part in held for row in _rows_of_all(part)]
    text = "\n".join([HEAD, *_table(("Part", *FIGURES), []), *rows, "", *(part.rstrip("\n") + "\n" for part in held)])
    document.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _rows_of_all(part: str) -> list[str]:
    """A section's rows in the table of all figures, each with a link to the section before it."""
    name = part.split("\n", 1)[0].removeprefix("## ")
    anchor = re.sub(r"[^\w -]", "", name).replace(" ", "-")
    _, found, after = part.partition("\n".join(_table(FIGURES, [])) + "\n")
    rows = after.split("\n\n", 1)[0].splitlines() if found else []
    return [f"| [{name}](#{anchor}) {row}" for row in rows]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> list[str]:
    numeric = [all(isinstance(row[i], (int, float)) for row in rows) and bool(rows) for i in range(len(columns))]
    rule = ["---:" if right else "---" for right in numeric]
    return [_line(columns), _line(rule), *(_line([_cell(value) for value in row]) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: str | float) -> str:
    match value:
        case str():
            return value
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[2]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory_gb:.0f} GB, load {load:.1f} over"
        f" 15 minutes; Python {platform.python_version()}, {packages}{_commit()}"
    )


def _commit() -> str:
    """The commit that was measured, and whether more than the documents differs from it; nothing where there is no git."""
    with suppress(OSError, subprocess.CalledProcessError):
        commit = _git("rev-parse", "--short", "HEAD")
        return f"; mixflows at {commit}{' and changes' if _git('diff', '--stat', 'HEAD', '--', '.', ':!docs') else ''}"
    return ""


def _git(*words: str) -> str:
    asked = subprocess.run(["git", *words], cwd=DOCUMENT.parent.parent, capture_output=True, text=True, check=True)
    return asked.stdout.strip()
