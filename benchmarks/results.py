"""What a benchmark finds, and how docs/benchmarks.md shows it."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.plots import Plot

VERSIONS = ("duckdb", "sqlglot", "great-expectations", "pandas", "prefect")
FIGURES = ("What", "Measured", "Limit", "Beside", "")
BESIDE = 1 + FIGURES.index("Beside")
DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

The latest measurement of each part, beside a rival or a baseline:

"""
ALONE = "Without a rival:"
TAIL = """\
`make bench` measures the parts of the first minutes, `make bench FULL=1` all of them (hours), and `python -m benchmarks --only NAME`
one; it exits with 1 if a limit is missed. Both sides of a ratio are measured in one run, small ones in turns; ratios are medians. CPU
seconds include all threads and child processes. Each part ends with its machine, load and commit: parts are measured at different
times, and on a busy machine wall-clock ratios change too.

- A **bare copy** is `CREATE TABLE AS SELECT` of the same rows, with its checkpoint.
- **Global statements** publish a whole history at once, one `CREATE TABLE` for each published table. They validate nothing, record
  nothing, and cannot be resumed.
- The **original design** is the dbt project that mixflows replaces: each day everything is staged again, then merged and joined with the
  whole history. **Tuned dbt** replaces the last three days only. Both are in `benchmarks/rivals/`.
- *Right?* compares the published tables with the truth, by plain SQL over the whole source.
"""


@dataclass(frozen=True)
class Figure:
    """One figure with a limit; `beside` names what a ratio is of."""

    what: str
    value: float
    limit: float
    unit: str = "×"
    beside: str = ""

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit

    def row(self) -> tuple[str, str, str, str, str]:
        """Its row in the table of figures."""
        by = f" by {self.value / self.limit - 1:.0%}" if self.limit else ""
        end = "met" if self.met else f"**missed{by}**"
        return self.what, f"{_cell(self.value)} {self.unit}", f"{_cell(self.limit)} {self.unit}", self.beside, end


@dataclass(frozen=True)
class Table:
    """A table of what was measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass(frozen=True)
class Answer:
    """What one benchmark found."""

    about: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    plots: Sequence[Plot] = ()


def section(name: str, answer: Answer, command: str, seconds: float) -> str:
    """An answer in Markdown."""
    lines = [f"## {name}", "", answer.about, ""]
    if answer.figures:
        lines += [*_table(FIGURES, [figure.row() for figure in answer.figures]), ""]
    for table in answer.tables:
        lines += [f"{table.title}:", "", *_table(table.columns, table.rows), ""]
    for plot in answer.plots:
        lines += [plot.markdown, ""]
    lines += [*(f"- {note}" for note in answer.notes), *([""] if answer.notes else [])]
    lines += [f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC in {seconds:.0f} s by `{command}` on {_machine()}.", ""]
    return "\n".join(lines)


def write(sections: Mapping[str, str], plots: Sequence[Plot], names: Sequence[str], document: Path) -> None:
    """Puts sections into the document, in the order of `names`; those that were not measured now stay as they are."""
    for plot in plots:
        plot.save(document.parent / "pictures")
    before = document.read_text(encoding="utf-8") if document.is_file() else ""
    parts = {part.split("\n", 1)[0]: f"## {part}" for part in re.split(r"(?m)^## ", before)[1:]} | dict(sections)
    held = [parts[name] for name in names if name in parts]
    rows = [row for part in held for row in _rows_of_all(part)]
    beside, alone = ([row for row in rows if bool(row[BESIDE]) is compared] for compared in (True, False))
    heads = ("Part", *FIGURES, "Measured on")
    tables = (
        [*_table(heads, beside), "", ALONE, "", *_table(heads, alone), ""] if alone else [*_table(heads, beside), ""]
    )
    text = HEAD + "\n".join([*tables, TAIL, *(part.rstrip("\n") + "\n" for part in held)])
    document.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _rows_of_all(part: str) -> list[list[str]]:
    """A section's figures as rows of the tables of all figures, with a link to the section and the day of its measurement."""
    name = part.split("\n", 1)[0].removeprefix("## ")
    anchor = re.sub(r"[^\w -]", "", name).replace(" ", "-")
    _, found, after = part.partition("\n".join(_table(FIGURES, [])) + "\n")
    lines = after.split("\n\n", 1)[0].splitlines() if found else []
    (day,) = re.findall(r"^Measured (\d{4}-\d\d-\d\d)", part, flags=re.MULTILINE) or [""]
    return [[f"[{name}](#{anchor})", *(cell.strip() for cell in line.strip("|").split(" | ")), day] for line in lines]


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
