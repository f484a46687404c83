"""What a deployment takes for a daily run of a few large days, beside the command."""

from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import command
from benchmarks.server import PrefectServer, process_of, until
from benchmarks.source import day_of, project

ROWS, DAYS_A_RUN, REPEATS = 200_000, 3, 2


def answer(asked: Asked) -> Answer:
    folder = asked.folder / "project"
    project(folder, DAYS_A_RUN * REPEATS * 2, ROWS)
    with PrefectServer(asked.folder) as server:
        server.deploy(folder)
        table, ratio = _large_days(server, folder)
    return Answer(
        f"Three new days of {ROWS:,} events as a run of the deployment `daily`, from the start of its process to its final"
        " state, beside `mixflows run` of such days, the whole command, against the same server, in turns. The server"
        " keeps its database in SQLite; the report follows by event, as a run of its own.",
        [ratio],
        [table],
    )


def _large_days(server: PrefectServer, folder: Path) -> tuple[Table, Figure]:
    by_command: list[float] = []
    by_deployment: list[float] = []
    submitted: list[float] = []
    reported: list[float] = []
    for repeat in range(REPEATS):
        last = (2 * repeat + 1) * DAYS_A_RUN
        by_command.append(command("run", "--as-of", str(day_of(last - 1)), folder=folder).wall)
        run_id = server.start("daily", as_of=str(day_of(last + DAYS_A_RUN - 1)))
        born = process_of(run_id).create_time()
        run = server.ended(run_id)
        if not run["state"]["message"].startswith(f"{DAYS_A_RUN} days"):
            raise AssertionError(f"not {DAYS_A_RUN} days: {run['state']['message']}")
        by_deployment.append(_seconds(run["end_time"]) - born)
        submitted.append(_seconds(run["end_time"]) - _seconds(run["created"]))
        report = until(lambda since=run["end_time"]: _report_since(server, since), "the report is written")
        reported.append(_seconds(report["end_time"]) - _seconds(run["end_time"]))
    rows = [
        ("mixflows run, the whole command", by_command),
        ("deployment, its process's start to the final state", by_deployment),
        ("deployment, from the button to the final state", submitted),
        ("from the final state to the report written", reported),
    ]
    return (
        Table(
            f"Seconds for {DAYS_A_RUN} days, {REPEATS} times each",
            ("", "median", "least", "most"),
            [(name, median(found), min(found), max(found)) for name, found in rows],
        ),
        Figure("deployment : mixflows run, three days", median(by_deployment) / median(by_command), 2),
    )


def _report_since(server: PrefectServer, since: str) -> dict[str, Any] | None:
    after = (run for run in server.runs("report") if run["state_type"] == "COMPLETED" and run["start_time"] >= since)
    return next(after, None)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
