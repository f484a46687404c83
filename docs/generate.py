"""Writes the parts of README.md and docs/ that the code knows; `make docs` runs it.

A part stands between two comments, `<!-- generated: NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import duckdb
import typer.main
import vl_convert
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.on_paper import backfill, daily_run, full_rebuild, tuned_rebuild
from mixflows.cli.app import app
from mixflows.cli.examples import EXAMPLES
from mixflows.costs.model import Workload
from mixflows.pipeline.land import land_one
from mixflows.settings import Bounds, Settings
from mixflows.warehouse.descriptions import TABLES, column_descriptions
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

ROOT = Path(__file__).parents[1]
README, PICTURES = ROOT / "README.md", ROOT / "docs" / "pictures"
CHART_LIBRARIES = ROOT / "mixflows" / "report" / "assets" / "vega.js"
DEMO = ("demo", "--until", "2026-07-01")
"""The demo whose output README.md shows."""
BOOKS = "The generator kept its own books"
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
EVERYWHERE = ("--config", "--set", "--json", "--help")
"""Options that are described once, above all commands."""
NO_DEFAULT = "none"
ONE_EVENT = (
    '{"event":"view","properties":{"time":1704067200,"distinct_id":"u","$insert_id":"i",'
    '"mp_processing_time_ms":1704067201000,"customer_id":"c"}}\n'
)


def written(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """A page with its generated parts as they are now."""
    return PART.sub(lambda part: f"{part[1]}{parts[part[2]]().strip()}\n{part[3]}", text)


def pages() -> list[Path]:
    """The pages of docs/ that have a generated part."""
    return [page for page in sorted((ROOT / "docs").glob("*.md")) if PART.search(page.read_text(encoding="utf-8"))]


def of_demo(demo: str, status: str) -> dict[str, Callable[[], str]]:
    """The parts of README.md, from what its commands print.

    Args:
        demo: What `mixflows demo` prints with `DEMO`.
        status: What `mixflows status` prints afterwards.
    """
    counts = demo[demo.index(BOOKS) :].split("\n\n", maxsplit=1)[0]
    return {
        "demo": lambda: _console(f"mixflows {' '.join(DEMO)}", f"...\n{counts}"),
        "status": lambda: _console("mixflows status", status),
    }


def main() -> None:
    """Brings every page up to date."""
    for page in pages():
        page.write_text(written(page.read_text(encoding="utf-8"), PARTS), encoding="utf-8")
    for name, badge in badges().items():
        (PICTURES / f"badge-{name}.svg").write_text(badge, encoding="utf-8")
    CHART_LIBRARIES.write_text(chart_libraries(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        demo = printed(Path(folder), *DEMO, "--no-prefect")
        status = printed(Path(folder, "mixflows-demo"), "status")
    readme = README.read_text(encoding="utf-8")
    README.write_text(written(readme, of_demo(demo, status)), encoding="utf-8")


def chart_libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, of the versions that go with Altair's specifications.

    The report carries it as a file, because bundling it takes longer than all the rest of a report.
    """
    versions = (
        vl_convert.get_vega_version(),
        vl_convert.get_vegalite_versions()[-1],
        vl_convert.get_vega_embed_version(),
    )
    named = "Vega {}, Vega-Lite {} and Vega-Embed {}".format(*versions)
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"/* {named}, bundled by `make docs`. Licences: vega-licences.txt */\n{bundle}"


def badges() -> dict[str, str]:
    """The badges as SVG, by name: what pyproject.toml says of licence and Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [Version(f"3.{minor}") for minor in range(20)]
    supported = [str(version) for version in versions if version in SpecifierSet(project["requires-python"])]
    texts = {"licence": project["license"], "python": " | ".join(supported)}
    return {name: _badge(name, text) for name, text in texts.items()}


def _badge(name: str, text: str) -> str:
    left, right = (round(6.6 * len(words)) + 12 for words in (name, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}: {text}">'
        f'<rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="#1f6feb"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{name}</text><text x="{left + right / 2:g}" y="14">{text}</text></g></svg>\n'
    )


def printed(folder: Path, *words: str) -> str:
    """What a command prints that runs in a folder, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "mixflows", *words], cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.stdout


def _console(command: str, printed: str) -> str:
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    return "\n".join(["```console", f"$ {command}", *lines, "```"])


def _commands() -> str:
    return "\n".join(line for name, command in _named_commands() for line in _command(name, command))


def _named_commands() -> Iterator[tuple[str, Any]]:
    """Every command by the words after `mixflows`; of a group its commands."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    for name, command in commands.items():
        inner: dict[str, Any] = getattr(command, "commands", {})
        yield from ((f"{name} {word}", one) for word, one in inner.items()) if inner else ((name, command),)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = " ".join(one.metavar for one in command.params if one.param_type_name == "argument")
    yield from (f"## {name}", "", command.help, "")
    options = [one for one in command.params if one.opts[-1] not in EVERYWHERE]
    rows = [(f"`{_option(one)}`", _sentence(one)) for one in options]
    yield from _table(("argument or option", ""), rows) if rows else ()
    lines = [f"{line}  # {what}" if what else line for line, what in EXAMPLES[name]]
    usage = f"mixflows {name} {arguments}".strip()
    yield from (*(("",) if rows else ()), f"Usage: `{usage} [OPTIONS]`", "", "```bash", *lines, "```", "")


def _option(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar
    names = ", ".join(parameter.opts)
    return names if parameter.is_flag else f"{names} {parameter.metavar}"


def _sentence(parameter: Any) -> str:
    return parameter.help + (" Required." if parameter.required and parameter.param_type_name == "option" else "")


def _settings() -> str:
    return "\n".join(_section("", Settings))


def _section(path: str, section: type[BaseModel]) -> Iterator[str]:
    """A section's own settings, then the sections in it."""
    inner = {name: kind for name, field in section.model_fields.items() if (kind := _section_of(field))}
    yield from (f"## [{path}]", "") if path else ("## Outside of sections", "")
    yield from (section.__doc__ or "", "") if path else ()
    rows = [
        (f"`{name}`", f"`{_default(field)}`", _meaning(field))
        for name, field in section.model_fields.items()
        if name not in inner
    ]
    yield from (*_table(("setting", "default", "meaning"), rows), "")
    for name, kind in inner.items():
        yield from _section(f"{path}.{name}".lstrip("."), kind)


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Bounds else None


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Bounds):
        given = {"warning": value.warning, "critical": value.critical}
        return ", ".join(f"{name} = {bound:g}" for name, bound in given.items() if bound is not None)
    return _toml(value)


def _toml(value: Any) -> str:
    match value:
        case None:
            return NO_DEFAULT
        case bool():
            return str(value).lower()
        case dict():
            return f"{{ {', '.join(f'{name} = {_toml(one)}' for name, one in value.items())} }}" if value else "{}"
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case str() | Path():
            return f'"{value}"'
        case _:
            return str(value)


def _meaning(field: FieldInfo) -> str:
    words = _literals(field.annotation)
    choice = f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""
    return " ".join((field.description or "").split()) + choice


def _literals(kind: Any) -> tuple[str, ...]:
    """The words that a setting may be; none where it is not limited to words."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return next((words for one in get_args(kind) if (words := _literals(one))), ())
    return ()


def _tables() -> str:
    settings = Settings()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        columns = _columns(Path(folder))
    names = settings.tables.model_dump()
    for role in (name for name in names if name in TABLES):
        described = column_descriptions(role, settings.columns)
        lines += [f"## {names[role]}", "", TABLES[role], ""]
        rows = [(f"`{name}`", kind, described.get(name.lower(), "")) for name, kind in columns[names[role]]]
        lines += [*_table(("column", "type on DuckDB", "meaning"), rows), ""]
    return "\n".join(lines)


def _columns(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Columns and their types of every table and view of a new warehouse in which one event was landed."""
    settings = Settings.model_validate({"warehouse": {"path": str(folder / "mixflows.duckdb")}})
    file = folder / "one.jsonl"
    file.write_text(ONE_EVENT, encoding="utf-8")
    warehouse = DuckDBWarehouse(settings)
    try:
        land_one(warehouse, settings, file, again=False)
        warehouse.create_tables()
    finally:
        warehouse.close()
    found: dict[str, list[tuple[str, str]]] = {}
    with duckdb.connect(str(settings.warehouse.path), read_only=True) as connection:
        query = "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY table_name, ordinal_position"
        for table, column, kind in connection.execute(query).fetchall():
            found.setdefault(table, []).append((column, kind))
    return found


def _scale() -> str:
    """What the cost model says of a year of 3 TB, beside what was paid for the design that mixflows replaces."""
    year = Workload(events_per_day=20e6)
    rebuilt, tuned = full_rebuild(year), tuned_rebuild(year)
    rows = [
        ("rebuild everything, every day", rebuilt, "250", "8 h"),
        ("the same once tuned: three days", tuned, "20", "15 min"),
    ]
    rows += [
        (f"a daily run: one new day, {late} changed days", daily_run(replace(year, changed_days=late)), "", "")
        for late in (2, 6)
    ]
    rows += [("the backfill of the year, once", backfill(year), "", "")]
    cells = [(what, f"{one.slot_hours:.3g}", paid, f"{one.jobs:,}", took) for what, one, paid, took in rows]
    return "\n".join(_table(("", "slot-hours", "paid", "jobs", "took"), cells))


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield f"| {' | '.join(row)} |"


PARTS: dict[str, Callable[[], str]] = {"commands": _commands, "scale": _scale, "settings": _settings, "tables": _tables}

if __name__ == "__main__":
    main()
