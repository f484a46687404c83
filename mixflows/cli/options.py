"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

MODES = "due, missing, changed, failed, blocked or all"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file; by default $MIXFLOWS_CONFIG, then mixflows.toml here."
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a setting, such as pipeline.keep=latest; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable output.")]
Start = Annotated[str | None, typer.Option("--start", metavar="DAY", help="First day, YYYY-MM-DD.")]
End = Annotated[str | None, typer.Option("--end", metavar="DAY", help="Last day, included.")]
Mode = Annotated[str, typer.Option("--mode", metavar="MODE", help=f"Which days: {MODES}.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="Last complete day; by default yesterday in the project's time zone."),
]
AcceptRules = Annotated[
    bool, typer.Option("--accept-rules", help="Reprocess days that were published under other rules.")
]
NewestFirst = Annotated[bool, typer.Option("--newest-first", help="Start with the latest day.")]
BlockedDay = Annotated[str, typer.Argument(metavar="DAY", help="The blocked day, YYYY-MM-DD.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept in the ledger and the report.")]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", metavar="MINUTES", min=0, help="How long to wait for another run; by default pipeline.wait_minutes."
    ),
]
NoPrefect = Annotated[bool, typer.Option("--no-prefect", help="Run the same functions without Prefect.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show Prefect's log: a line per day and step.")]


def with_flags(assignments: list[str] | None, **flags: object) -> list[str]:
    """The assignments, and those that given flags stand for: `pipeline__wait_minutes=5` is `pipeline.wait_minutes=5`."""
    given = [f"{name.replace('__', '.')}={value}" for name, value in flags.items() if value is not None]
    return [*(assignments or []), *given]
