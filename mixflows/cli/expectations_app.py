"""The commands under `mixflows expectations`, their flags and their help."""

from pathlib import Path
from typing import Annotated

import typer

from mixflows.cli.examples import examples
from mixflows.cli.options import Assignments, Config, Json

expectations = typer.Typer(
    help="Show, try and tune the expectations of the quality gate.",
    epilog=examples("expectations"),
    no_args_is_help=True,
)


@expectations.command("list", epilog=examples("expectations list"))
def list_expectations(config: Config = None, assignments: Assignments = None, as_json: Json = False) -> None:
    """Show every expectation with its bounds."""
    from mixflows.cli.expectations import run_list

    run_list(config, assignments, as_json=as_json)


@expectations.command("explain", epilog=examples("expectations explain"))
def explain_expectation(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An expectation, such as duplicate_rate.")],
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Explain one expectation. What it requires, what to do when it fails, and on which days it did."""
    from mixflows.cli.expectations import run_explain

    run_explain(config, assignments, name, as_json=as_json)


@expectations.command("try", epilog=examples("expectations try"))
def try_expectations(
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="One day in full; by default every staged day.")
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Try bounds on the stored figures of past days. Changes nothing."""
    from mixflows.cli.expectations import run_try

    run_try(config, assignments, day, as_json=as_json)


@expectations.command("suggest", epilog=examples("expectations suggest"))
def suggest_bounds(config: Config = None, assignments: Assignments = None, as_json: Json = False) -> None:
    """Suggest bounds from past days. Names the days that each bound would have flagged or blocked."""
    from mixflows.cli.expectations import run_suggest

    run_suggest(config, assignments, as_json=as_json)


@expectations.command("export", epilog=examples("expectations export"))
def export_suites(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Where the files go; - for one JSON object on standard output."),
    ] = Path("expectation-suites"),
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Export the suites as Great Expectations' own JSON."""
    from mixflows.cli.expectations import run_export

    run_export(config, assignments, out, as_json=as_json)
