"""What `report` does."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from mixflows.cli.output import console, print_json
from mixflows.cli.session import opened
from mixflows.days import day_bounds, parse_day
from mixflows.errors import UsageError

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
        UsageError: The format cannot be meant.
    """
    from mixflows.report.page import write_report

    if kind not in ENDINGS:
        raise UsageError(f"{kind!r} is no format", f"Formats: {', '.join(ENDINGS)}.")
    settings, warehouse = opened(config, assignments)
    warehouse.create_tables()
    first, _ = day_bounds(parse_day(since), settings.zone) if since else (None, None)
    target = out or Path(f"mixflows-report.{ENDINGS[kind]}")
    path = write_report(warehouse, settings, target, kind=cast("Format", kind), since=first)
    if as_json:
        print_json({"report": str(path)})
    else:
        console.print(f"wrote {path}")
    if open_it:
        typer.launch(path.resolve().as_uri())
