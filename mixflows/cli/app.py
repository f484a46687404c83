"""Commands, their flags and their help."""

from pathlib import Path
from typing import Annotated

import typer

from mixflows import __version__
from mixflows.cli.examples import examples
from mixflows.cli.expectations_app import expectations
from mixflows.cli.fetch_app import fetch
from mixflows.cli.options import (
    AcceptRules,
    AsOf,
    Assignments,
    Because,
    BlockedDay,
    Config,
    End,
    Json,
    Mode,
    NewestFirst,
    NoPrefect,
    Start,
    Verbose,
    Wait,
    with_flags,
)
from mixflows.errors import UsageError
from mixflows.packages import refuse_hidden_packages

app = typer.Typer(
    name="mixflows",
    help="Deduplicate, validate and incrementally load Mixpanel events, one day at a time.",
    epilog=examples(""),
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mixflows {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    try:
        Path.cwd()
    except OSError as err:
        raise UsageError(
            "the working folder is not there any more", "Change into a folder that exists: cd DIR."
        ) from err
    refuse_hidden_packages()


@app.command(epilog=examples("demo"))
def demo(
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where everything goes.")] = Path(
        "mixflows-demo"
    ),
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DAY", help="Last day of the events, UTC; by default yesterday."),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch the events from a stand-in of Mixpanel, which restates some.")
    ] = False,
    no_prefect: NoPrefect = False,
    verbose: Verbose = False,
) -> None:
    """Process a month of example events into a report."""
    from mixflows.cli.demo import demo_spec, run_demo

    raise typer.Exit(run_demo(folder, demo_spec(until), fetches=fetch, use_prefect=not no_prefect, verbose=verbose))


@app.command(epilog=examples("init"))
def init(
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="PROJECT.DATASET.TABLE",
            help="Mixpanel's table on BigQuery: detect its settings first.",
        ),
    ] = None,
    adopt: Annotated[
        str | None,
        typer.Option(
            "--adopt",
            metavar="TABLE",
            help="Take over the days of a deduplicated table that equal what a run would publish; the others remain due.",
        ),
    ] = None,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Create the tables and a first settings file. Safe to repeat."""
    from mixflows.cli.setup import run_init

    # What is known of a source is written into the settings file; how long one command waits is not.
    run_init(config, assignments if source else with_flags(assignments, pipeline__wait_minutes=wait), source)
    if adopt is not None:
        from mixflows.cli.adopt import run_adopt

        run_adopt(config, with_flags(assignments, pipeline__wait_minutes=wait), adopt)


@app.command(epilog=examples("doctor"))
def doctor(config: Config = None, assignments: Assignments = None, as_json: Json = False) -> None:
    """Check the warehouse setup and suggest fixes. Writes nothing."""
    from mixflows.cli.setup import run_doctor

    raise typer.Exit(run_doctor(config, assignments, as_json=as_json))


app.command(epilog=examples("fetch"))(fetch)


@app.command(epilog=examples("land"))
def land(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Raw-export files, folders or globs.")],
    again: Annotated[bool, typer.Option("--again", help="Land a file again whose content was landed before.")] = False,
    allow_malformed: Annotated[
        bool,
        typer.Option("--allow-malformed", help="Land files in which most lines are not events."),
    ] = False,
    whole_days: Annotated[
        str | None,
        typer.Option(
            "--whole-days",
            metavar="FIRST..LAST",
            help="The file holds all of these days, and replaces what earlier files said of them.",
        ),
    ] = None,
    accept_shrink: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-shrink", metavar="DAY", help="Accept that one of the whole days lost events; repeatable."
        ),
    ] = None,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Load raw-export files into the source table. JSON lines, gzip or Parquet; each file whole or not at all."""
    words = with_flags(assignments, pipeline__wait_minutes=wait)
    if whole_days is not None:
        from mixflows.cli.whole_days import run_whole_days

        run_whole_days(
            config, words, files, whole_days, again=again,
            accept_shrink=accept_shrink or (), as_json=as_json, allow_malformed=allow_malformed,
        )  # fmt: skip
        return
    if accept_shrink:
        raise UsageError("--accept-shrink is about whole days", "Name them too, with --whole-days FIRST..LAST.")
    from mixflows.cli.land import run_land

    run_land(config, words, files, again=again, as_json=as_json, allow_malformed=allow_malformed)


@app.command(epilog=examples("plan"))
def plan(
    start: Start = None,
    end: End = None,
    mode: Mode = "due",
    newest_first: NewestFirst = False,
    accept_rules: AcceptRules = False,
    priced: Annotated[
        bool, typer.Option("--price", "--dry-run", help="Estimate bytes, money and time per day.")
    ] = False,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show which days a backfill would process, and why. Reads no events, writes nothing."""
    from mixflows.cli.days import request_of, run_plan

    request = request_of(start, end, mode, newest_first, accept_rules)
    run_plan(config, assignments, request, priced=priced, as_json=as_json)


@app.command(epilog=examples("run"))
def run(
    as_of: AsOf = None,
    accept_rules: AcceptRules = False,
    no_prefect: NoPrefect = False,
    verbose: Verbose = False,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Process every due day, up to the last complete one. Due are new and changed days; this is what a schedule runs."""
    from mixflows.cli.run import Runner

    words = with_flags(assignments, pipeline__wait_minutes=wait)
    runner = Runner(config, words, use_prefect=not no_prefect, verbose=verbose, as_json=as_json)
    raise typer.Exit(runner.daily(as_of, accept_rules=accept_rules))


@app.command(epilog=examples("backfill"))
def backfill(
    start: Start = None,
    end: End = None,
    mode: Mode = "due",
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", metavar="N", help="Concurrent batches; by default backfill.concurrency."),
    ] = None,
    newest_first: NewestFirst = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan, with its price.")] = False,
    accept_rules: AcceptRules = False,
    no_prefect: NoPrefect = False,
    verbose: Verbose = False,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Process a range of days, in concurrent batches. Without a range, every day of the source that the mode selects."""
    from mixflows.cli.days import request_of, run_plan
    from mixflows.cli.run import Runner

    request = request_of(start, end, mode, newest_first, accept_rules)
    words = with_flags(assignments, backfill__concurrency=concurrency, pipeline__wait_minutes=wait)
    if dry_run:
        run_plan(config, words, request, priced=True, as_json=as_json)
        return
    runner = Runner(config, words, use_prefect=not no_prefect, verbose=verbose, as_json=as_json)
    raise typer.Exit(runner.backfill(request))


@app.command(epilog=examples("status"))
def status(
    check: Annotated[
        bool, typer.Option("--check", help="Exit as a run would: 1 for failed days, 3 for blocked days.")
    ] = False,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show published, due, blocked and failed days. Counts where every delivered row is."""
    from mixflows.cli.days import run_status

    code = run_status(config, assignments, as_json=as_json)
    raise typer.Exit(code if check else 0)


@app.command(epilog=examples("report"))
def report(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The file to write, - for standard output; by default mixflows-report.html."
        ),
    ] = None,
    kind: Annotated[str, typer.Option("--format", metavar="FORMAT", help="html, json or markdown.")] = "html",
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DAY", help="Start with what changed since then; by default since the last report."
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Write the report: one HTML file that needs no network."""
    from mixflows.cli.report import run_report

    run_report(config, assignments, out, kind=kind, since=since, open_it=open_it, as_json=as_json)


@app.command(epilog=examples("inspect"))
def inspect(
    day: Annotated[str, typer.Argument(metavar="DAY", help="The day, YYYY-MM-DD.")],
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show a staged day: figures, failures and samples. Publishes nothing."""
    from mixflows.cli.inspection import run_inspect

    run_inspect(config, assignments, day, as_json=as_json)


@app.command(epilog=examples("release"))
def release(
    day: BlockedDay,
    because: Because,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Publish a blocked day as it is, and record the reason."""
    from mixflows.cli.inspection import run_release

    raise typer.Exit(
        run_release(config, with_flags(assignments, pipeline__wait_minutes=wait), day, because, as_json=as_json)
    )


@app.command(epilog=examples("acknowledge"))
def acknowledge(
    day: BlockedDay,
    because: Because,
    wait: Wait = None,
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Keep a day blocked, out of the exit code. It lasts until the day's source or verdict changes."""
    from mixflows.cli.inspection import run_acknowledge

    run_acknowledge(config, with_flags(assignments, pipeline__wait_minutes=wait), day, because, as_json=as_json)


@app.command(epilog=examples("explain"))
def explain(
    insert_id: Annotated[str, typer.Option("--insert-id", metavar="ID", help="The event's insert id.")],
    day: Annotated[
        str | None,
        typer.Option(
            "--day",
            metavar="DAY",
            help="Search this day only; by default all days, on BigQuery up to bigquery.full_scan_bytes.",
        ),
    ] = None,
    distinct_id: Annotated[
        str,
        typer.Option(
            "--distinct-id",
            metavar="ID",
            help="Only copies with this distinct id; on BigQuery cheap to find in all days.",
        ),
    ] = "",
    config: Config = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show every copy of an event, and which one was kept."""
    from mixflows.cli.inspection import run_explain_event

    raise typer.Exit(run_explain_event(config, assignments, insert_id, day, distinct_id, as_json=as_json))


@app.command(epilog=examples("serve"))
def serve(
    cron: Annotated[
        str | None,
        typer.Option(
            "--cron", metavar="CRON", help="When `daily` runs, in the project's time zone; by default at 03:15."
        ),
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Serve the flows to a Prefect server from this machine. `daily` runs on a schedule, the others on request."""
    from mixflows.cli.run import run_serve

    run_serve(config, assignments, cron)


app.add_typer(expectations, name="expectations")
