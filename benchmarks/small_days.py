"""What days cost that are small and many: the engine, Python, and Prefect."""

import shutil
from pathlib import Path

from benchmarks.results import Answer, Figure, Table
from benchmarks.rivals import statements
from benchmarks.server import held_mb, prefect_server
from benchmarks.source import WAREHOUSE, project
from benchmarks.timed_run import command, imports, process


def measure(folder: Path, days: int, rows: int) -> Answer:
    homes = {way: folder / way for way in ("plain", "flow", "global")}
    project(homes["plain"], days, rows, wide=False)
    for way in ("flow", "global"):
        shutil.copytree(homes["plain"], homes[way])
    project(folder / "one", 1, rows, wide=False)
    imported = imports("backfill", "--no-prefect", folder=folder / "one")
    plain = command("backfill", "--no-prefect", folder=homes["plain"])
    home = homes["global"]
    at_once = process([*statements.COMMAND, "global", str(home / WAREHOUSE)], home)
    with prefect_server(folder) as server:
        before = held_mb(server)
        flow = command("backfill", folder=homes["flow"])
        after = held_mb(server)
    report = command("report", folder=homes["plain"])
    size_mb = (homes["plain"] / "mixflows-report.html").stat().st_size / 1e6
    spans = {
        "without Prefect": plain,
        "as a flow": flow,
        "global statements": at_once,
        "mixflows report, afterwards": report,
    }
    size = f"{days:,} days × {rows}"
    return Answer(
        f"{size} events: `mixflows backfill --no-prefect`, of which {imported:.2f} s are imports; `mixflows backfill` as a flow"
        " against a server, which keeps its database in SQLite on the same cores; and one global statement for each published"
        f" table, which ranks contested keys. The server held {before:,.0f} MB before the flow and {after:,.0f} MB after it.",
        [
            Figure(
                f"{size}, without Prefect, imports aside", plain.wall - imported, 8, "s",
                beside=f"{at_once.wall:.2g} s by global statements",
            ),
            Figure(f"{size}, what Prefect adds", flow.wall - plain.wall, 8, "s", beside="the same without Prefect"),
            Figure(f"report of {days:,} days", report.wall, 10, "s"),
            Figure(f"size of the report of {days:,} days", size_mb, 14, "MB"),
        ],
        [
            Table(
                "Each once",
                ("", "wall s", "CPU s", "wall ms a day", "peak MB"),
                [(name, s.wall, s.cpu, s.wall / days * 1000, s.peak_mb) for name, s in spans.items()],
            )
        ],
    )  # fmt: skip
