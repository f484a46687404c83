"""The command `fetch`, its flags and its help."""

from typing import Annotated

import typer

from mixflows.cli.options import Assignments, Config, End, Json, Start, Wait, with_flags


def fetch(
    start: Start = None,
    end: End = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show days, reasons and queries. Asks Mixpanel nothing.")
    ] = False,
    accept_shrink: Annotated[
        list[str] | None,
        typer.Option("--accept-shrink", metavar="DAY", help="A day that may lose events; repeatable."),
    ] = None,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Load days from Mixpanel's export API. By default all that is due; --start and --end name days."""
    from mixflows.cli.fetch import run_fetch

    words = with_flags(assignments, pipeline__wait_minutes=wait)
    code = run_fetch(config, words, start, end, dry_run=dry_run, accept_shrink=accept_shrink, as_json=as_json)
    raise typer.Exit(code)
