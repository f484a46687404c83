"""The demo: a month of made-up Mixpanel events, taken all the way, and the generator's own counts beside the result."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from mixflows.cli.demo_fetch import MixpanelDeliveries
from mixflows.cli.land import run_land
from mixflows.cli.output import console, number, progress_bars, styled, table_of
from mixflows.cli.report import run_report
from mixflows.cli.run import Runner
from mixflows.cli.session import opened
from mixflows.days import FIRST_DAY, LAST_DAY, last_complete_day, parse_day, zone_of
from mixflows.demo.api import export_api
from mixflows.demo.counts import ExportCounts
from mixflows.demo.generator import DemoExport, write_export
from mixflows.demo.restated import Lines
from mixflows.demo.story import DemoSpec
from mixflows.errors import OutputError, UsageError
from mixflows.files import write_text
from mixflows.pipeline.plan import PlanRequest
from mixflows.text import counted

SETTINGS = """\
# The demo's settings; everything else is the default.
[warehouse]
path = "mixflows.duckdb"
"""
EARLIEST = date(2000, 1, 1)
"""The first day that the demo may end on: Mixpanel's events are of this century."""


Line = tuple[str, int, int]
"""What is compared: its name, what the generator knows, and what was found."""


def demo_spec(until: str | None) -> DemoSpec:
    """The demo's month.

    Args:
        until: The last day, UTC; by default yesterday. The counts are the same for every day.

    Raises:
        UsageError: The day is not over yet, or before 2000.
    """
    return DemoSpec(last_day=_last_day(until) - timedelta(days=1))


def run_demo(folder: Path, spec: DemoSpec, *, fetches: bool, use_prefect: bool, verbose: bool) -> int:
    """Runs the demo.

    Args:
        folder: Where everything is written.
        spec: The events.
        fetches: Whether the events are fetched from a stand-in of Mixpanel, not landed from files.
        use_prefect: Whether the runs are Prefect flows.
        verbose: Whether Prefect's log is shown.

    Returns:
        The exit code: 0, or 1 where the pipeline's counts are not the generator's.

    Raises:
        UsageError: The folder has another warehouse.
        OutputError: The folder cannot be written.
    """
    started = time.perf_counter()
    try:
        config = _prepare(folder)
        _step(f"Generating {counted(spec.events, 'event')} of {counted(spec.days, 'day')}, seed {spec.seed}")
        with progress_bars() as bars:
            export = write_export(folder / "export", spec, lambda share: bars.file_progress("generating", share))
    except OSError as err:
        raise OutputError(
            f"the demo cannot be written to {folder}: {err.strerror}",
            "Name a folder that you can write to with --folder.",
        ) from err
    runner = partial(Runner, config, None, use_prefect=use_prefect, verbose=verbose, as_json=False)
    process = _process_fetched if fetches else _process_landed
    deleted_rows, fetched = process(config, folder, export, runner)

    _step("Writing the report: mixflows report")
    run_report(config, None, folder / "report.html", as_json=False)

    agree = _compare(config, export.after, deleted_rows, fetched)
    _say_what_next(folder, config, spec, time.perf_counter() - started)
    return 0 if agree else 1


def _process_landed(
    config: Path, folder: Path, export: DemoExport, runner: Callable[[], Runner]
) -> tuple[int, list[Line]]:
    _step(f"Landing the first export: mixflows land {folder}/export/first")
    run_land(config, None, [str(folder / "export" / "first")], again=False, as_json=False, brief=True)

    _step("Backfilling every day: mixflows backfill")
    runner().backfill(PlanRequest())

    _step(f"Late events, files delivered twice and one new day arrive: mixflows land {folder}/export/later")
    run_land(config, None, [str(folder / "export" / "later")], again=False, as_json=False, brief=True)
    _step(f"Processing only the days that changed: mixflows run --as-of {export.spec.new_day}")
    runner().daily(str(export.spec.new_day), accept_rules=False)
    return 0, []


def _process_fetched(
    config: Path, folder: Path, export: DemoExport, runner: Callable[[], Runner]
) -> tuple[int, list[Line]]:
    """Fetches and processes twice; gives the rows that Mixpanel took back, and what each fetch should have found."""
    lines: Lines = {}
    with export_api(lines) as url:
        deliveries = MixpanelDeliveries(config, export, lines, url)
        _step("Fetching the month from a stand-in of Mixpanel: mixflows fetch")
        first = deliveries.first()

        _step("Backfilling every day: mixflows backfill")
        runner().backfill(PlanRequest())

        _step("Late events, merged identities, a duplicate less, an event deleted, one new day: mixflows fetch")
        again, restated = deliveries.later()
    _step(f"Processing only the days that changed: mixflows run --as-of {export.spec.new_day}")
    runner().daily(str(export.spec.new_day), accept_rules=False)
    return restated.gone_rows, [
        ("first fetch: new rows", export.before.source_rows, first.new_rows),
        ("second fetch: new rows", export.after.source_rows - export.before.source_rows, again.new_rows),
        ("second fetch: restated rows", restated.rekeyed_rows, again.restated_rows),
        ("second fetch: gone rows", restated.gone_rows, again.gone_rows),
    ]


def _last_day(until: str | None) -> date:
    yesterday = last_complete_day(datetime.now(UTC), zone_of("UTC"))
    day = parse_day(until) if until else yesterday
    if not EARLIEST <= day <= yesterday:
        raise UsageError(
            f"the demo cannot end on {day}", f"Name a day from {EARLIEST} to {yesterday}, the last complete day in UTC."
        )
    return day


def _prepare(folder: Path) -> Path:
    """An empty warehouse in the demo's folder; whatever an earlier demo left there is replaced.

    Raises:
        UsageError: Another warehouse is there.
    """
    database, config = folder / "mixflows.duckdb", folder / "mixflows.toml"
    is_of_a_demo = config.is_file() and config.read_bytes().startswith(SETTINGS.splitlines()[0].encode())
    if (database.exists() or config.exists()) and not is_of_a_demo:
        raise UsageError(
            f"{folder} holds a warehouse or settings that are not the demo's, which the demo would replace",
            "Name another folder with --folder.",
        )
    write_text(config, SETTINGS, "the demo")
    for old in folder.glob(f"{database.name}*"):
        old.unlink()
    return config


def _step(text: str) -> None:
    console.print(styled(f"\n{text}", "bold"))


def _compare(config: Path, made: ExportCounts, gone_rows: int, fetched: list[Line]) -> bool:
    """Prints the generator's own counts beside the pipeline's."""
    _, warehouse = opened(config, None)
    (totals,) = warehouse.query("table_totals")
    blocked = [row["partition_date"] for row in warehouse.query("ledger_latest") if row["status"] == "blocked"]
    reasons: Counter[str] = Counter()
    for row in warehouse.query("report_rejected", {"first_day": FIRST_DAY, "last_day": LAST_DAY}):
        reasons[row["rejection_reason"]] += row["rejected_rows"]
    published = made.without(blocked)
    lines: list[Line] = [
        *fetched,
        ("source rows", made.source_rows - gone_rows, totals["source_rows"]),
        ("malformed lines", made.malformed_rows, totals["malformed_rows"]),
        ("events kept *", published.kept_rows, totals["event_rows"]),
        *((f"rejected: {name} *", rows, reasons[name]) for name, rows in published.rejected_by_reason.items()),
        ("rejected *", published.rejected_rows, totals["rejected_rows"]),
    ]
    _step("The generator kept its own books; the pipeline never saw them")
    table = table_of(("",), ("generator", "pipeline", ""))
    for name, expected, found in lines:
        agree = styled("agree", "green") if expected == found else styled("DIFFER", "red")
        table.add_row(name, number(expected), number(found), agree)
    console.print(table)
    console.print(f"* without the blocked {'day' if len(blocked) == 1 else 'days'} {', '.join(map(str, blocked))}")
    return all(expected == found for _, expected, found in lines)


def _say_what_next(folder: Path, config: Path, spec: DemoSpec, seconds: float) -> None:
    day = spec.retry_day
    _step(f"Done in {seconds:.0f} s. What to try next")
    console.print(
        f"  open {folder / 'report.html'}\n"
        f"  mixflows status --config {config}\n"
        f"  mixflows plan --mode all --start {day} --end {day} --config {config}\n"
        f"  mixflows backfill --mode blocked --set quality.duplicate_rate.critical=0.05 --config {config}\n"
        f"  mixflows run --as-of {spec.new_day} --config {config}      (nothing to do: only days that change are processed)"
    )
