"""What `report` does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from mixflows.cli.output import STANDARD_OUTPUT, console, print_json
from mixflows.cli.session import opened_to_read
from mixflows.days import day_bounds, parse_day
from mixflows.errors import UsageError
from mixflows.files import is_regular
from mixflows.text import plain

if TYPE_CHECKING:
    from mixflows.report.page import Format

ENDINGS = {"html": "html", "json": "json", "markdown": "md"}


def run_report(
    config: Path | None,
    assignments: list[str] | None,
    out: Path | None,
    *,
    kind: str = "html",
    since: str | None = None,
    open_it: bool = False,
    as_json: bool = False,
) -> None:
    """Writes the report and says where.

    Raises:
        UsageError: The format cannot be meant, or what is written cannot be opened.
    """
    from mixflows.report.page import report_text, write_report

    if open_it and out == STANDARD_OUTPUT:
        raise UsageError("--open cannot show standard output", "Name a file with --out.")
    if kind not in ENDINGS:
        raise UsageError(f"{kind!r} is no format", f"Formats: {', '.join(ENDINGS)}.")
    settings, warehouse = opened_to_read(config, assignments)
    first, _ = day_bounds(parse_day(since), settings.zone) if since else (None, None)
    target = out or Path(f"mixflows-report.{ENDINGS[kind]}")
    if target == STANDARD_OUTPUT:
        sys.stdout.write(report_text(warehouse, settings, kind=cast("Format", kind), since=first))
        return
    path = write_report(warehouse, settings, target, kind=cast("Format", kind), since=first)
    if not is_regular(path):
        return  # it may be standard output by another name
    if as_json:
        print_json({"report": str(path)})
    else:
        console.print(f"wrote {plain(path)}")
    if open_it:
        typer.launch(path.resolve().as_uri())
