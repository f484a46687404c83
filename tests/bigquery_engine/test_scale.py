"""The cost model beside the API server: jobs as the ledger counts them, and bytes of the columns that statements name.

Bytes and slot time that server does not tell itself.
"""

import json
from collections import defaultdict

import pytest

from harness.billed import STAGED, reads
from mixflows.costs.model import DayKind, Workload, day_statements
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project

COPIES = """
    id | time  | arrival
    a  | 10:00 | 10:05
    a  | 10:00 | 10:06
    b  | 11:00 | 11:01
    d  | 11:00 | 11:02
    e  | 11:00 | 11:03
    f  | 11:00 | 11:04
    g  | 11:00 | 11:05
    h  | 11:00 | 11:06
    i  | 11:00 | 11:07
    j  | 11:00 | 11:08
    k  | 11:00 | 11:09
"""
LATE = """
    id | time  | arrival
    c  | 12:00 | 23:01
    b  | 11:00 | 23:02
"""
WIDTHS = dict.fromkeys(LANDED, 8.0) | {"mp_insert_id": 38.0, "partition_date": 0.0}
"""Bytes of a value. The model's key is insert id, time and arrival, of 54 bytes; it leaves the day itself out."""
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
        jobs[step] = jobs.get(step, 0) + statement.jobs + statement.jobs_of_a_day
    return {step: number for step, number in jobs.items() if not step.startswith(RECORDING)}


def bytes_counted(place: Place, kind: DayKind) -> dict[str, float]:
    """Bytes a row by step of the day that was recorded last, by the columns that its statements name."""
    *_, last = sorted(place.rows("mp_partition_runs"), key=lambda row: str(row["finished_at"]))
    jobs = [job for job in place.jobs() if "day" in job.labels and job.labels["run_id"] == last["run_id"]]
    # A new day's statements find nothing published; what is counted after it is left out on both sides.
    tables = ["mp_master_event", *(["mp_events"] if kind == "changed" else [])]
    found: defaultdict[str, float] = defaultdict(float)
    for job in jobs:
        query = job.query or ""
        staged = {word.strip("`").split(".")[-1] for word in query.split() if "stg_mp_dedup_events" in word}
        columns = dict.fromkeys(tables, tuple(LANDED)) | dict.fromkeys(staged, (*LANDED, *STAGED))
        of_source = set[str]()
        for read in reads(query, columns):
            named = {"time" if column == "mf__in_day" else column for column in read.columns}
            if kind == "changed" and read.table in ("mp_master_event", *staged):
                # There, the stage is a view of the source, whose columns are billed once a query.
                named -= of_source
                of_source |= named
            found[job.labels["step"]] += sum(WIDTHS.get(column, 0.0) for column in named)
    return {step: number for step, number in found.items() if number}


def bytes_modelled(kind: DayKind) -> dict[str, float]:
    """The same by the model, the few copies aside."""
    load = Workload(
        events_per_day=1, columns=1, bytes_per_column=sum(WIDTHS.values()), profiled_bytes=16, late_share=0.001
    )
    found: defaultdict[str, float] = defaultdict(float)
    for statement in day_statements(load, kind):
        if statement.step == "published_counts, keys":
            continue
        found[statement.step.partition(",")[0]] += statement.read_gb * 1e9
    return {step: number for step, number in found.items() if number > 1}


def test_the_model_counts_the_jobs_that_the_ledger_does_and_the_bytes_that_statements_read(
    project: Project, place: Place
) -> None:
    kinds: tuple[tuple[DayKind, str], ...] = (("new", COPIES), ("changed", LATE))
    for kind, copies in kinds:
        project.deliver(copies)
        project.run_judged(check_rows=True)
        assert counted(place) == modelled(kind)
        # One column of eight bytes more or less beside a key of 54.
        assert bytes_counted(place, kind) == pytest.approx(bytes_modelled(kind), rel=0.155)
