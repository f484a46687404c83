"""One more day on BigQuery's API: how many jobs, and what they are billed for by the columns and days that they name."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.one_more_day import deliver
from benchmarks.rivals import original_design
from benchmarks.source import PROMOTED, day_of, make_history, opened
from harness.bigquery.server import NoInterpreterError, ServerError, serving
from harness.billed import STAGED, Read, reads
from mixflows.costs.model import DayKind, Estimate, Workload, daily_run, day_statements, full_rebuild
from mixflows.model import Run, Status
from mixflows.warehouse import close_warehouses
from mixflows.warehouse.base import DayTables
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project

HISTORIES, ROWS = (7, 21), 2_000
LATE = ((1, 400), (6, 600))
"""Of the day so many days back, one event in so many comes again, and as many new ones come late."""
KINDS: tuple[DayKind, ...] = ("new", "changed")
SOURCE, EVENTS, REJECTED = "mp_master_event", "mp_events", "mp_rejected_events"
STAGE = "stg_mp_dedup_events"
OWN = ("mp_partition_runs", "mp_quality_results", "mp_day_profiles")
COLUMNS = LANDED | PROMOTED
REJECTED_WIDTHS = {
    "row_num": 8.0,
    "rejection_reason": 17.0,
    "rejection_timestamp": 8.0,
    "is_exact_copy": 1.0,
    "run_id": 8.0,
}
RUN = Run("onemoreday")
RECORDING = ("record", "append_")


@dataclass(frozen=True)
class Job:
    """One job: its day, if it belongs to one, and the bytes of the columns and days that it names."""

    step: str
    day: date | None
    bytes_read: float


@dataclass
class Tally:
    """Jobs of one step, and the bytes of the columns and days that they name."""

    jobs: float = 0
    bytes_read: float = 0

    def add(self, jobs: float, bytes_read: float) -> None:
        self.jobs += jobs
        self.bytes_read += bytes_read


Steps = dict[str, Tally]


@dataclass(frozen=True)
class Found:
    """A daily run with so many days behind it."""

    behind: int
    jobs: list[Job]
    bytes_per_row: float
    original_bytes: float


def answer(asked: Asked) -> Answer:
    question = (
        f"A daily run with one new day of {ROWS:,} events and late rows of two days before it, on an API server on loopback:"
        " jobs as the server knows them; bytes by BigQuery's rule, which that server does not follow: the columns that a"
        " statement references, in the days that it names, each time that it names a table. The least that BigQuery bills,"
        " 10 MB for each table and each query, is left out: with days as small as these it would be all that counts, and the"
        " ratio to the original design is that of large days. The original's statements are read, not run. The model is that"
        " of [scale.md](scale.md)."
    )
    (asked.folder / "server").mkdir()
    try:
        with serving(asked.folder / "server") as address:
            api = BigQueryApi("mixflows-benchmarks", address, "US")
            found = [_daily_run(api, asked.folder / f"{days}.duckdb", days) for days in HISTORIES]
    except (NoInterpreterError, ServerError) as err:
        return Answer(question, [], notes=[f"Not run: {err}."])
    short, long = found
    by_kind: dict[DayKind, tuple[Steps, Steps]] = {
        kind: (_counted(long, kind), _modelled(long, kind)) for kind in KINDS
    }
    return Answer(
        question,
        [
            _growth("jobs", len(long.jobs) / len(short.jobs)),
            _growth("bytes", _read(long) / _read(short)),
            Figure("steps with more or fewer jobs than by the model", _unlike(by_kind), 0, "steps"),
            Figure("jobs of a daily run beside those of the model", abs(len(long.jobs) - _model(long).jobs), 0, "jobs"),
            _beside("the original design", long.original_bytes, full_rebuild(_load(long)).read_gb * 1e9),
            *(_beside(f"a {kind} day", _bytes(counted), _bytes(model)) for kind, (counted, model) in by_kind.items()),
        ],
        [_growing(found), _steps_table(long, by_kind)],
    )


def _growth(what: str, ratio: float) -> Figure:
    return Figure(f"{what} of a daily run, {HISTORIES[1]} : {HISTORIES[0]} days behind it", ratio, 1.05)


def _beside(what: str, counted: float, model: float) -> Figure:
    ratio = max(counted, model) / min(counted, model)
    return Figure(f"bytes of {what}, the larger of statements and model : the smaller", ratio, 1.1)


def _read(found: Found) -> float:
    return sum(job.bytes_read for job in found.jobs)


def _bytes(steps: Steps) -> float:
    return sum(tally.bytes_read for tally in steps.values())


def _unlike(by_kind: Mapping[DayKind, tuple[Steps, Steps]]) -> int:
    """Steps whose jobs the model tells wrong."""
    return sum(
        round(counted[name].jobs, 3) != model[name].jobs
        for counted, model in by_kind.values()
        for name in {*counted, *model}
    )


def _growing(found: list[Found]) -> Table:
    rows: list[tuple[str | float, ...]] = []
    for one in found:
        rows.append((one.behind, "mixflows run", len(one.jobs), _read(one) / 1e6, 1.0))
        rows.append((one.behind, "original design", 3, one.original_bytes / 1e6, one.original_bytes / _read(one)))
    return Table("One more day", ("days behind", "", "jobs", "MB by columns and days", ": mixflows"), rows)


def _counted(found: Found, kind: DayKind) -> Steps:
    """A day of this kind by its jobs; the changed days' mean."""
    days = 1 if kind == "new" else len(LATE)
    steps: Steps = defaultdict(Tally)
    for job in found.jobs:
        if job.day is not None and _kind(found, job.day) == kind:
            steps[job.step].add(1 / days, job.bytes_read / days)
    return steps


def _load(found: Found) -> Workload:
    return Workload(ROWS, found.behind + 1, len(COLUMNS), found.bytes_per_row / len(COLUMNS), changed_days=len(LATE))


def _model(found: Found) -> Estimate:
    return daily_run(_load(found))


def _modelled(found: Found, kind: DayKind) -> Steps:
    steps: Steps = defaultdict(Tally)
    for statement in day_statements(_load(found), kind):
        steps[_step(statement.step)].add(statement.jobs, statement.read_gb * 1e9)
    return steps


def _steps_table(found: Found, by_kind: Mapping[DayKind, tuple[Steps, Steps]]) -> Table:
    names = dict.fromkeys(name for counted, model in by_kind.values() for name in (*counted, *model))
    rows: list[tuple[str | float, ...]] = []
    for name in names:
        pairs = [(counted[name], model[name]) for counted, model in by_kind.values()]
        rows.append(
            (name, *(cell for c, m in pairs for cell in (c.jobs, m.jobs, c.bytes_read / 1e6, m.bytes_read / 1e6)))
        )
    return Table(
        f"A day by step, with {found.behind} days behind it",
        (
            "step",
            *(f"{kind} day: {what}" for kind in by_kind for what in ("jobs", "by the model", "MB", "by the model")),
        ),
        rows,
    )


def _kind(found: Found, day: date) -> DayKind:
    return "new" if day == day_of(found.behind) else "changed"


def _step(name: str) -> str:
    """Statements that run before and after publishing are one step in the ledger; three write what is recorded."""
    return "record" if name.startswith(RECORDING) else name.partition(",")[0]


def _daily_run(api: BigQueryApi, path: Path, behind: int) -> Found:
    place = Place(api)
    project = Project(place)
    project.create_source(COLUMNS)
    make_history(path, behind, ROWS)
    with opened(path) as connection:
        rows = _rows(connection, 0)
        place.insert(SOURCE, rows)
        project.run()
        before = {job.job_id for job in place.jobs()}
        published = _days(place, EVENTS)
    deliver(path, behind, ROWS, LATE)
    with opened(path) as connection:
        place.insert(SOURCE, _rows(connection, len(rows)))
        widths = _widths(connection)
        source = dict(connection.execute(f"SELECT partition_date, count(*) FROM {SOURCE} GROUP BY ALL").fetchall())
    close_warehouses()  # the run opens its tables as a process of its own does
    result = project.run(run=RUN, check_rows=True)
    if len(result.days(Status.PUBLISHED)) != 1 + len(LATE) or any(o.warned for o in result.outcomes):
        raise AssertionError(f"not all days of the run were published, and without a mark: {result.outcomes}")
    sizes = Sizes(widths, source, published, _days(place, EVENTS), _days(place, REJECTED), _own(place))
    jobs = list(_jobs([job for job in place.jobs() if job.job_id not in before], sizes))
    close_warehouses()
    place.close()
    return Found(behind, jobs, sum(widths.values()), _original(sizes))


def _rows(connection: duckdb.DuckDBPyConnection, known: int) -> list[dict[str, Any]]:
    """The source's rows without those that were there before."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    found = connection.execute(f"SELECT {names} FROM {SOURCE} ORDER BY rowid OFFSET {known}").fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def _days(place: Place, table: str) -> dict[date, int]:
    return dict(Counter(row["partition_date"] for row in place.rows(table)))


def _own(place: Place) -> dict[str, dict[str, float]]:
    """Bytes of each column of our own tables, which grow with the days."""
    found: dict[str, dict[str, float]] = {}
    for table in OWN:
        rows = place.rows(table)
        found[table] = {name: float(sum(_bytes_of(row[name]) for row in rows)) for name in (rows[0] if rows else ())}
    return found


def _bytes_of(value: Any) -> int:
    return 0 if value is None else 2 + len(value.encode()) if isinstance(value, str) else 8


def _widths(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Mean logical bytes of each column. Source: https://cloud.google.com/bigquery/pricing, data size calculation."""
    fixed = {"INT64": "8", "TIMESTAMP": "8", "DATE": "8"}
    sizes = [fixed.get(kind, f'2 + strlen("{name}"::VARCHAR)') for name, kind in COLUMNS.items()]
    (means,) = connection.execute(f"SELECT {', '.join(f'avg({size})' for size in sizes)} FROM {SOURCE}").fetchall()
    return dict(zip(COLUMNS, means, strict=True))


@dataclass(frozen=True)
class Sizes:
    """Bytes of a row's columns, and rows by day: `published` before the run, `events` and `rejected` after it.

    Attributes:
        own: Bytes of whole columns of our own tables.
    """

    widths: Mapping[str, float]
    source: Mapping[date, int]
    published: Mapping[date, int]
    events: Mapping[date, int]
    rejected: Mapping[date, int]
    own: Mapping[str, Mapping[str, float]]

    def of(self, read: Read, day: date | None, *, written: bool) -> float:
        """Bytes of a reference by a statement of `day`; `written` where that day's events are published already."""
        if read.table in self.own:
            return sum(self.own[read.table][column] for column in read.columns)
        widths = dict(self.widths) | (REJECTED_WIDTHS if read.table == REJECTED else STAGED)
        return self._rows(read, day, written=written) * sum(widths.get(column, 0.0) for column in read.columns)

    def _rows(self, read: Read, day: date | None, *, written: bool) -> int:
        events = self.events if written else self.published
        days = {SOURCE: self.source, EVENTS: events, REJECTED: self.rejected}.get(read.table)
        if days is not None:
            return sum(days.values()) if read.day is None else days.get(read.day, 0)
        if day is None:  # the original design stages the whole history
            return sum(self.source.values())
        if read.table.startswith(STAGE):
            return self.source[day]
        return 2 * self.rejected.get(day, 0)  # the few copies of a key


def _jobs(jobs: list[Any], sizes: Sizes) -> Iterator[Job]:
    """Jobs with their bytes, in the order in which the server got them."""
    written: defaultdict[date | None, bool] = defaultdict(bool)
    for job in jobs:
        label, step = job.labels.get("day"), _step(job.labels["step"])
        day = date.fromisoformat(label) if label else None
        names = DayTables.of(day, RUN.run_id, RUN.attempt) if day else None
        staged = (names.stage, names.copies, names.rejected_next) if names else ()
        columns = {SOURCE: COLUMNS, EVENTS: COLUMNS, REJECTED: COLUMNS | REJECTED_WIDTHS, **sizes.own} | dict.fromkeys(
            staged, COLUMNS | STAGED | REJECTED_WIDTHS
        )
        found = reads(job.query, columns)
        yield Job(step, day, sum(sizes.of(read, day, written=written[day]) for read in found))
        written[day] = written[day] or step in ("replace_events", "merge_events")


def _original(sizes: Sizes) -> float:
    """Bytes of the original design's statements for one more day."""
    columns = {SOURCE: COLUMNS, EVENTS: COLUMNS, STAGE: COLUMNS | {"row_num": ""}}
    return sum(
        sizes.of(read, None, written=False)
        for name in ("staging", "events", "rejected")
        for read in reads((original_design.SQL / f"{name}.sql").read_text(encoding="utf-8"), columns, dialect="duckdb")
    )
