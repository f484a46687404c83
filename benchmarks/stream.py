"""A real stream of many days and few events, from the file to the published tables."""

import json
import os
from pathlib import Path

from benchmarks.results import Answer, Figure, Table
from benchmarks.server import prefect_server
from benchmarks.source import WAREHOUSE, opened
from benchmarks.timed_run import ROOT, Span, command

STREAM = Path(os.environ.get("BENCH_STREAM", ROOT.parent / "shared/data/git_events/delta.jsonl.gz"))
"""A raw-export file of many days."""
RATES = ("--set", "quality.duplicate_rate.warning=none", "--set", "quality.duplicate_rate.critical=none")
"""The stream has days that are mostly duplicates."""
COUNTS = "SELECT (SELECT count(*) FROM mp_events), (SELECT count(*) FROM mp_rejected_events)"
ABOUT = (
    "A raw export of 118,766 real events on 2,179 days: `mixflows land`, then `mixflows backfill` as a flow against a server,"
    " and without Prefect, each the whole command."
)


def measure(folder: Path) -> Answer:
    if not STREAM.is_file():
        return Answer(ABOUT, notes=["Not measured: the stream's file is absent; name it in BENCH_STREAM."])
    spans: dict[tuple[str, str], Span] = {}
    right: dict[str, str] = {}
    with prefect_server(folder):
        for way, flags in (("as a flow", ()), ("without Prefect", ("--no-prefect",))):
            home = folder / way.replace(" ", "-")
            home.mkdir()
            spans[way, "land"] = command("land", str(STREAM), folder=home)
            spans[way, "backfill"] = command("backfill", *flags, *RATES, folder=home)
            with opened(home / WAREHOUSE, read_only=True) as connection:
                right[way] = _right(connection.execute(COUNTS).fetchall()[0])
    return Answer(
        ABOUT,
        [Figure("2,179 days of a real stream, as a flow", spans["as a flow", "backfill"].wall, 25, "s")],
        [
            Table(
                "Each once",
                ("", "command", "wall s", "CPU s", "peak MB", "right?"),
                [(way, word, s.wall, s.cpu, s.peak_mb, right[way]) for (way, word), s in spans.items()],
            )
        ],
    )


def _right(counts: tuple[int, int]) -> str:
    """Whether the counts are those that are known of the stream, which stand in a file beside it."""
    known = STREAM.with_name("EXPECTED.json")
    if not known.is_file():
        return f"unknown: {counts[0]:,} kept, {counts[1]:,} rejected"
    expected = json.loads(known.read_text(encoding="utf-8"))
    difference = counts[0] - expected["kept"], counts[1] - expected["rejected"]
    return "no: {:+,} kept, {:+,} rejected".format(*difference) if any(difference) else "yes"
