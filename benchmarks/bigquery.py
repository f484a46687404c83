"""One more day on BigQuery's API: how many jobs, and what they are billed for by the columns and days that they name."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.api import SOURCE, ApiProject, api_on_loopback
from benchmarks.results import Answer, Figure, Table
from benchmarks.rivals.statements import original_statement
from benchmarks.source import COLUMNS, day_of, deliver, opened, project
from harness.bigquery.api import BigQueryApi
from harness.bigquery.server import NoInterpreterError, ServerError
from harness.billed import STAGED, Read, reads
from harness.on_paper import Estimate, daily_run, full_rebuild
from mixflows.costs.model import Workload
from mixflows.warehouse.bigquery.pricing import COPIES, TOUCHED

LATE = ((1, 400), (6, 600))
EVENTS, REJECTED, STAGE, STAGED_EVENTS = "mp_events", "mp_rejected_events", "stg_", "stg_mp_dedup_events"
TOUCHED_IDS, JUDGED = "stg_mp_touched", "stg_mp_judged"
PROFILED = ("mp_event_name", "distinct_id", "customer_id", "session_id", "campaign")
OWN = ("mp_partition_runs", "mp_quality_results", "mp_day_profiles")
REJECTED_WIDTHS = {"row_num": 8, "rejection_reason": 17, "rejection_timestamp": 8, "is_exact_copy": 1, "run_id": 8}
ABOUT = (
    "A daily run with one new day and late rows of two days before it, on an API server on loopback: jobs as the server knows"
    " them; bytes by BigQuery's rule, which that server does not follow: the columns that a statement references, in the days"
    " that it names, each time that it names a table. The least that BigQuery bills, 10 MB for each table and query, is left out:"
    " with days as small as these it would be all that counts, and the ratio to the original design is that of large days. The"
    " original's statements are read, not run. The model is that of [scale.md](scale.md)."
)


@dataclass(frozen=True)
class Sizes:
    """Bytes of a row's columns, and rows by day.

    Attributes:
        rows: By table; of the published tables, those after the run.
        own: Bytes of whole columns of our own tables.
    """

    widths: Mapping[str, float]
    rows: Mapping[str, Mapping[date, int]]
    own: Mapping[str, Mapping[str, float]]

    def bytes_of(self, read: Read, run_days: Sequence[date]) -> float:
        """Bytes of a reference; a short-lived table holds the days of the run."""
        if read.table in self.own:
            return sum(self.own[read.table].get(column, 0.0) for column in read.columns)
        widths = dict(self.widths) | (REJECTED_WIDTHS if read.table == REJECTED else {})
        table, copies = read.table, 1
        if table not in self.rows:
            # Staged rows are those of the source, of which the new day's are judged; other short-lived tables hold the copies of
            # contested keys, mostly two.
            table, copies = (SOURCE, 1) if table.startswith((STAGED_EVENTS, JUDGED)) else (REJECTED, 2)
            days = read.days or (run_days[:1] if read.table.startswith(JUDGED) else run_days)
        else:
            days = self.rows[table] if read.days is None else read.days
        return (
            copies * sum(self.rows[table].get(day, 0) for day in days) * sum(widths.get(c, 0.0) for c in read.columns)
        )


@dataclass(frozen=True)
class Found:
    """A daily run with so many days behind it and the original design's statements, as counted and by the cost model."""

    behind: int
    jobs: Counter[str]
    bytes_read: float
    original_bytes: float
    model: Estimate
    original_model: Estimate


def measure(folder: Path, histories: Sequence[int], rows: int) -> Answer:
    try:
        with api_on_loopback(folder) as api:
            found = [_daily_run(api, folder, behind, rows) for behind in histories]
    except (NoInterpreterError, ServerError) as err:
        return Answer(ABOUT, notes=[f"Not run: {err}."])
    short, long = found[0], found[-1]
    jobs, before = long.jobs.total(), f"{short.behind} days behind"
    return Answer(
        ABOUT,
        [
            Figure(f"jobs of a daily run, {long.behind} days behind", jobs / short.jobs.total(), 1.05, beside=before),
            Figure(f"bytes of a daily run, {long.behind} days behind", long.bytes_read / short.bytes_read, 1.05, beside=before),
            Figure("jobs of a daily run, difference", abs(jobs - long.model.jobs), 0, "jobs", beside="the cost model"),
            _near("bytes of a daily run, the larger : the smaller", long.bytes_read, long.model.read_gb * 1e9),
            _near("bytes of the original design, the larger : the smaller", long.original_bytes, long.original_model.read_gb * 1e9),
        ],
        [
            Table(
                f"One more day of {rows:,}",
                ("days behind", "", "jobs", "jobs by the model", "MB by columns and days", "MB by the model", ": mixflows"),
                [
                    row
                    for one in found
                    for row in (
                        (
                            one.behind, "mixflows run", one.jobs.total(), one.model.jobs, one.bytes_read / 1e6,
                            one.model.read_gb * 1e3, 1.0,
                        ),
                        (
                            one.behind, "original design", 3, 3, one.original_bytes / 1e6,
                            one.original_model.read_gb * 1e3, one.original_bytes / one.bytes_read,
                        ),
                    )
                ],
            ),
            Table("Jobs by step", ("step", "jobs"), long.jobs.most_common()),
        ],
    )  # fmt: skip


def _near(what: str, counted: float, modelled: float) -> Figure:
    return Figure(what, max(counted, modelled) / min(counted, modelled), 1.1, beside="the cost model")


def _daily_run(api: BigQueryApi, folder: Path, behind: int, rows: int) -> Found:
    source = project(folder / f"source-{behind}", behind, rows)
    warehouse = ApiProject(api, folder / f"home-{behind}", f"behind_{behind}")
    warehouse.load(source)
    warehouse.run("backfill")
    deliver(source, behind, rows, LATE)
    warehouse.load(source)
    _, jobs = warehouse.run("run", "--as-of", day_of(behind).isoformat())
    widths = _widths(source)
    own = {table: _bytes_of_columns(warehouse.rows(table)) for table in OWN}
    sizes = Sizes(widths, {table: warehouse.days(table) for table in (SOURCE, EVENTS, REJECTED)}, own)
    run_days = [day_of(behind - back) for back in (0, *(back for back, _ in LATE))]
    load = Workload(
        rows,
        behind + 1,
        len(COLUMNS),
        sum(widths.values()) / len(COLUMNS),
        sum(widths[name] for name in PROFILED),
        changed_days=len(LATE),
    )
    return Found(
        behind,
        Counter(job.labels.get("step", job.job_type) for job in jobs),
        sum(_bytes(job, warehouse.dataset, sizes, run_days) for job in jobs),
        _original(sizes),
        daily_run(load),
        full_rebuild(load),
    )


def _bytes(job: Any, dataset: str, sizes: Sizes, run_days: Sequence[date]) -> float:
    text = getattr(job, "query", "")
    tables = {table for table in re.findall(rf"\b{dataset}`?\.`?(\w+)", text) if table.startswith(STAGE)}
    copied = COLUMNS | dict.fromkeys(STAGED, "") | COPIES | REJECTED_WIDTHS
    columns: dict[str, Any] = {
        **{table: TOUCHED if table.startswith(TOUCHED_IDS) else copied for table in tables},
        **sizes.own,
    }
    columns |= dict.fromkeys((SOURCE, EVENTS), COLUMNS) | {REJECTED: COLUMNS | REJECTED_WIDTHS}
    total, of_source = 0.0, set[str]()
    for read in reads(text, columns) if text else ():
        counted = read
        if read.table == SOURCE or read.table.startswith(STAGED_EVENTS):
            # The stage is a view of the source, whose columns are billed once a query.
            named = {"time" if column == "mf__in_day" else column for column in read.columns} - of_source
            of_source |= named
            counted = replace(read, columns=frozenset(named))
        total += sizes.bytes_of(counted, run_days)
    return total


def _original(sizes: Sizes) -> float:
    """Bytes of the original design's statements for one more day; it stages the whole history."""
    columns = {SOURCE: COLUMNS, EVENTS: COLUMNS, "stg_mp_dedup_events": COLUMNS | {"row_num": ""}}
    return sum(
        sizes.bytes_of(read, list(sizes.rows[SOURCE]))
        for name in ("staging", "events", "rejected")
        for read in reads(original_statement(name), columns, dialect="duckdb")
    )


def _widths(source: Path) -> dict[str, float]:
    """Mean logical bytes of each column. Source: https://cloud.google.com/bigquery/pricing, data size calculation."""
    fixed = {"INT64": "8", "TIMESTAMP": "8", "DATE": "8"}
    sizes = [f"avg({fixed.get(kind, f'2 + strlen({name}::VARCHAR)')})" for name, kind in COLUMNS.items()]
    with opened(source, read_only=True) as connection:
        (means,) = connection.execute(f"SELECT {', '.join(sizes)} FROM {SOURCE}").fetchall()
    return dict(zip(COLUMNS, means, strict=True))


def _bytes_of_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Bytes of each whole column of one of our own tables, which grow with the days."""
    return {name: float(sum(_bytes_of(row[name]) for row in rows)) for name in (rows[0] if rows else ())}


def _bytes_of(value: Any) -> int:
    return 0 if value is None else 2 + len(value.encode()) if isinstance(value, str) else 8
