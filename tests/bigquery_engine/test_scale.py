"""The cost model's jobs beside those that the ledger counts on the API server; bytes and slot time it does not tell."""

import json

from mixflows.scale import DayKind, Workload, day_statements
from tests.bigquery_engine.place import Place
from tests.spec.project import Project

COPIES = """
    id | time  | arrival
    a  | 10:00 | 10:05
    a  | 10:00 | 10:06
    b  | 11:00 | 11:01
"""
LATE = """
    id | time  | arrival
    c  | 12:00 | 23:01
    b  | 11:00 | 23:02
"""
RECORDING = ("record", "append_")
"""A ledger's row is written by these, and cannot hold their jobs; a process that takes the day again tells of them then."""


def counted(place: Place) -> dict[str, int]:
    """Jobs by step of the day that was recorded last, by the ledger."""
    *_, last = sorted(place.rows("mp_partition_runs"), key=lambda row: str(row["finished_at"]))
    steps = json.loads(str(last["step_costs"]))
    return {step["step"]: step["jobs"] for step in steps if not step["step"].startswith(RECORDING)}


def modelled(kind: DayKind) -> dict[str, int]:
    """The same by the model; statements that run before and after publishing are one step in the ledger."""
    jobs: dict[str, int] = {}
    for statement in day_statements(Workload(events_per_day=1e6), kind):
        step = statement.step.partition(",")[0]
        jobs[step] = jobs.get(step, 0) + statement.jobs
    return {step: number for step, number in jobs.items() if not step.startswith(RECORDING)}


def test_the_model_counts_the_jobs_that_the_ledger_does(project: Project, place: Place) -> None:
    kinds: tuple[tuple[DayKind, str], ...] = (("new", COPIES), ("changed", LATE))
    for kind, copies in kinds:
        project.deliver(copies)
        project.run(check_rows=True)
        assert counted(place) == modelled(kind)
