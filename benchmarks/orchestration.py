"""What Prefect adds to a backfill of many small days, and how much memory it takes meanwhile."""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MIXFLOWS, Span, command, held_mb
from benchmarks.server import Memory, PrefectServer, sampled
from benchmarks.source import project

ROWS, QUICK_DAYS, FULL_DAYS = 50, 400, 2_000
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


def answer(asked: Asked) -> Answer:
    days = FULL_DAYS if asked.full else QUICK_DAYS
    for way in ("plain", "flow"):
        project(asked.folder / way, days, ROWS, wide=False)
    with PrefectServer(asked.folder) as server:
        tables, figures = _small_days(server, asked.folder, days)
    return Answer(
        f"{days:,} days of {ROWS} events by `mixflows backfill`, a flow that maps two tasks a day, against a server, beside"
        " `mixflows backfill --no-prefect`, which runs the same functions. The server keeps its database in SQLite, on the"
        " same two cores.",
        figures,
        tables,
    )


def _small_days(server: PrefectServer, folder: Path, days: int) -> tuple[list[Table], list[Figure]]:
    plain = command("backfill", "--no-prefect", folder=folder / "plain")
    flow, memory = _watched(server, folder / "flow")
    per_day = (flow.wall - plain.wall) / days * 1000
    rows = [(share, *memory.at(share)) for share in SHARES]
    _, flow_early, server_early = memory.at(0.25)
    _, flow_late, server_late = memory.at(1.0)
    return (
        [
            Table(
                f"{days:,} days of {ROWS} events",
                ("", "wall s", "CPU s", "wall ms a day", "peak MB"),
                [
                    (name, s.wall, s.cpu, s.wall / days * 1000, s.peak_mb)
                    for name, s in (("without Prefect", plain), ("as a flow", flow))
                ],
            ),
            Table("Memory over the backfill", ("share of its time", "s", "flow MB", "server MB"), rows),
        ],
        [
            Figure(f"what Prefect adds to a day, at {days:,} days", per_day, 60, "ms"),
            Figure("memory of the flow's process, end : quarter", flow_late / flow_early, 1.25),
            Figure("memory of the server, end : quarter", server_late / server_early, 1.25),
        ],
    )


def _watched(server: PrefectServer, folder: Path) -> tuple[Span, Memory]:
    before, started = os.times(), time.perf_counter()
    measured = Span()
    with subprocess.Popen([*MIXFLOWS, "backfill"], cwd=folder, stdout=subprocess.DEVNULL) as running:
        flow = psutil.Process(running.pid)
        try:
            with sampled(flow, server.process) as memory:
                while running.poll() is None:
                    with suppress(psutil.NoSuchProcess):
                        measured.peak_mb = max(measured.peak_mb, held_mb(flow))
                    time.sleep(0.2)
                measured.wall = time.perf_counter() - started
        finally:
            running.kill()
    after = os.times()  # of processes that were waited for, which the server is not
    measured.cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if running.returncode != 0:
        raise AssertionError(f"mixflows backfill ended with {running.returncode}")
    return measured, memory
