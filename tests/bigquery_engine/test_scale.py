"""The cost model beside the API server: jobs as the ledger counts them, and how often statements read a day whole.

Bytes and slot time that server does not tell.
"""

import json
from collections import Counter

from benchmarks.billed import STAGED, reads
from mixflows.scale import DayKind, Workload, day_statements
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
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


def whole_days_read(place: Place, kind: DayKind) -> dict[str, int]:
    """References to all columns of a day by the statements of the day that was recorded last, by step."""
    *_, last = sorted(place.rows("mp_partition_runs"), key=lambda row: str(row["finished_at"]))
    jobs = [job for job in place.jobs() if "day" in job.labels and job.labels["run_id"] == last["run_id"]]
    # What is published is read whole where there is something: a new day has nothing there.
    tables = ["mp_master_event", *(["mp_events"] if kind == "changed" else [])]
    whole: Counter[str] = Counter()
    for job in jobs:
        query = job.query or ""
        staged = {word.strip("`").split(".")[-1] for word in query.split() if "stg_mp_dedup_events" in word}
        columns = dict.fromkeys(tables, tuple(LANDED)) | dict.fromkeys(staged, (*LANDED, *STAGED))
        for read in reads(query, columns):
            whole[job.labels["step"]] += read.columns >= LANDED.keys()
    return {step: number for step, number in whole.items() if number}


def whole_days_modelled(kind: DayKind) -> dict[str, int]:
    """The same by the model: with so many columns, nothing else counts."""
    load = Workload(events_per_day=1e6, columns=100_000)
    read = {statement.step: round(statement.read_gb / load.day_gb) for statement in day_statements(load, kind)}
    return {step: number for step, number in read.items() if number}


def test_the_model_counts_the_jobs_that_the_ledger_does_and_the_days_that_statements_read_whole(
    project: Project, place: Place
) -> None:
    kinds: tuple[tuple[DayKind, str], ...] = (("new", COPIES), ("changed", LATE))
    for kind, copies in kinds:
        project.deliver(copies)
        project.run(check_rows=True)
        assert counted(place) == modelled(kind)
        assert whole_days_read(place, kind) == whole_days_modelled(kind)
