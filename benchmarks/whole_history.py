"""How long a whole history takes: ours side by side, one global statement, and the original script."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.measuring import Span, command, process
from benchmarks.plots import bars
from benchmarks.rivals import history
from benchmarks.source import make_history, opened
from harness.truth import compare

QUICK, FULL = ((60, 20_000),), ((60, 200_000), (365, 50_000))
CONCURRENCY = (1, 2, 4, 8)
OURS = "mixflows backfill, {} at once"
AS_SHIPPED = OURS.format(4)
GLOBAL, CONTESTED, KEYS = (
    "global statements, every row ranked",
    "global statements, contested keys ranked",
    "original script",
)


def answer(asked: Asked) -> Answer:
    found: list[tuple[str, int, int, Span, str]] = []
    for days, events in FULL if asked.full else QUICK:
        source = asked.folder / "source.duckdb"
        make_history(source, days, events)
        for name, take in _ways(days).items():
            home = asked.folder / "home"
            home.mkdir()
            path = home / "mixflows.duckdb"
            shutil.copy(source, path)
            measured = take(home)
            with opened(path) as connection:
                right = str(compare(connection.execute)) if name != KEYS else _events_only(connection)
            found.append((name, days, events, measured, right))
            shutil.rmtree(home)
        source.unlink()
    ours = {days: span.wall for name, days, _, span, _ in found if name == AS_SHIPPED}
    return Answer(
        "A history that nobody has published yet, process start included, without Prefect: `mixflows backfill` with so"
        " many days side by side, with its gate, figures and ledger; one statement for each table over everything, which"
        " ranks every row or, as ours does with a day, the copies of contested keys alone; and the original script, two"
        " statements a day with a table of processed keys that every day is joined with. What is not ours judges nothing,"
        " records nothing, and cannot be taken up where it stopped; the script writes no rejected rows, and is compared by"
        " its events alone.",
        [],
        [
            Table(
                "Each once, in a process of its own",
                ("", "days", "events a day", "wall s", f": {AS_SHIPPED}", "CPU s", "peak MB", "right?"),
                [
                    (name, days, events, span.wall, span.wall / ours[days], span.cpu, span.peak_mb, right)
                    for name, days, events, span, right in found
                ],
            )
        ],
        plots=[
            bars(
                "bench-whole-history",
                "Seconds for a whole history, by the ways of the table",
                [(f"{days} days of {events:,}", name, span.wall) for name, days, events, span, _ in found],
                "seconds",
            )
        ] if asked.full else [],
    )  # fmt: skip


def _ways(days: int) -> dict[str, Callable[[Path], Span]]:
    def ours(at_once: int, home: Path) -> Span:
        return command("backfill", "--no-prefect", "--concurrency", str(at_once), folder=home)

    def theirs(way: str, home: Path) -> Span:
        return process([*history.WORDS, way, str(home / "mixflows.duckdb"), str(days)], home)

    return {
        **{OURS.format(n): partial(ours, n) for n in CONCURRENCY},
        GLOBAL: partial(theirs, "global"),
        CONTESTED: partial(theirs, "contested"),
        KEYS: partial(theirs, "keys"),
    }


def _events_only(connection: duckdb.DuckDBPyConnection) -> str:
    """The original script tells of events only."""
    connection.execute("CREATE TABLE mp_rejected_events AS SELECT * FROM mp_master_event LIMIT 0")
    wrong = compare(connection.execute)
    return str(type(wrong)(wrong.missing, wrong.too_many, wrong.other_copy, 0))
