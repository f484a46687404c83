"""What a backfill costs per day, where days are small and many."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse, Span, command, span, span_with_children
from benchmarks.server import PrefectServer
from benchmarks.source import add_days, engine_of, settings_for
from expectations.auditor import GreatExpectationsAuditor
from mixflows.model import Run, StagedDay, Status, Verdict
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import ThreadSteps, process

QUICK_DAYS, FULL_DAYS = 400, 2_000
ROWS = 50
# Events of 7,700 days in any order, and two of 17 delivered twice, as the first files of a long history are.
MANY_DAYS, MANY_ROWS, FILES = 7_700, 1_700_000, 10
MANY_SHARE_DAYS = 400


class _MeteredAuditor(GreatExpectationsAuditor):
    judging = 0.0

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        with span_with_children() as measured:
            verdicts = super().judge(staged, check_rows=check_rows)
        self.judging += measured.wall
        return verdicts


def answer(asked: Asked) -> Answer:
    small_days = FULL_DAYS if asked.full else QUICK_DAYS
    small, figures = _small_days(asked.folder, small_days)
    tables = [small]
    if asked.stream is not None:
        table, figure = _streams(asked.folder, asked.stream)
        tables.append(table)
        figures.append(figure)
    if asked.full:
        tables.append(_many_days(asked))
    return Answer(
        f"{small_days:,} days of {ROWS} events, one after the other through the functions under the flows: what the engine"
        " takes, and what the rest takes (Python, Great Expectations)."
        + (" And how both grow with the days." if asked.full else ""),
        figures,
        tables,
    )


def _small_days(folder: Path, days: int) -> tuple[Table, list[Figure]]:
    settings = settings_for(str(folder / "small.duckdb"))
    warehouse = MeteredWarehouse(settings)
    execute = engine_of(warehouse)
    add_days(execute, 0, days, ROWS)
    warehouse.create_tables()
    run, auditor = Run("benchmark"), _MeteredAuditor(settings, warehouse.row_access())
    auditor.warm_up()
    with span_with_children() as whole:
        plan = make_plan(warehouse, settings, PlanRequest())
        result = process(
            warehouse, settings, run, plan, ThreadSteps(warehouse, settings, run, auditor, concurrency=1)
        )  # fmt: skip
    if len(result.days(Status.PUBLISHED)) != days:
        raise AssertionError(f"{len(result.days(Status.PUBLISHED)):,} of {days:,} days were published")
    engine = sum(warehouse.seconds.values())
    by_step = sorted(warehouse.seconds.items(), key=lambda item: -item[1])
    rest = whole.wall - engine
    warehouse.close()
    rows: list[tuple[str, float]] = [
        ("whole", whole.wall / days * 1000),
        ("whole, CPU", whole.cpu / days * 1000),
        ("engine", engine / days * 1000),
        ("engine, CPU", warehouse.cpu / days * 1000),
        ("all else", rest / days * 1000),
        ("all else, CPU", (whole.cpu - warehouse.cpu) / days * 1000),
        ("all else: of it Great Expectations", auditor.judging / days * 1000),
        *((f"engine: {name}", seconds / days * 1000) for name, seconds in by_step if seconds / days > 0.0001),
    ]
    return (
        Table("Milliseconds a day, small days, one at a time", ("", "ms"), rows),
        [Figure("all but the engine, a small day, without Prefect", rest / days * 1000, 60, "ms")],
    )


def _streams(folder: Path, stream: Path) -> tuple[Table, Figure]:
    plain = _stream(folder / "plain", stream, "--no-prefect")
    with PrefectServer(folder):
        flow = _stream(folder / "flow", stream)
    rows = [
        (way, name, s.wall, s.cpu, s.peak_mb) for way, steps in (("plain", plain), ("flow", flow)) for name, s in steps
    ]
    return (
        Table(
            "The stream, without Prefect and as flows against a server",
            ("", "command", "wall s", "CPU s", "peak MB"),
            rows,
        ),
        Figure("all days of the stream, as a flow", flow[-1][1].wall, 300, "s"),
    )


def _stream(folder: Path, stream: Path, *flags: str) -> list[tuple[str, Span]]:
    folder.mkdir()
    rates = ["--set", "quality.duplicate_rate.warning=none", "--set", "quality.duplicate_rate.critical=none"]
    return [
        ("land", command("land", str(stream), folder=folder)),
        ("backfill", command("backfill", *flags, *rates, folder=folder)),
    ]


def _many_days(asked: Asked) -> Table:
    """Lands files that each hold all days in any order, and backfills: a share of the days, or all of them."""
    rows: list[tuple[str | float, ...]] = []
    for files in (1, FILES):
        folder = asked.folder / f"many-{files}"
        folder.mkdir()
        _write_files(folder, files)
        landed = command("land", ".", folder=folder)
        settings = settings_for(str(folder / "mixflows.duckdb"))
        warehouse = MeteredWarehouse(settings)
        auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
        auditor.warm_up()
        warehouse.create_tables()
        with span() as planned:
            plan = make_plan(warehouse, settings, PlanRequest())
        days = plan.days if files > 1 else plan.days[:MANY_SHARE_DAYS]
        run = Run("benchmark")
        for first in range(0, len(days), MANY_SHARE_DAYS):
            chunk = type(plan)(days[first : first + MANY_SHARE_DAYS], check_rows=False)
            steps = ThreadSteps(warehouse, settings, run, auditor, concurrency=settings.backfill.concurrency)
            with span() as measured:
                process(warehouse, settings, run, chunk, steps)
            if first in (0, MANY_SHARE_DAYS * 4, MANY_SHARE_DAYS * (len(days) // MANY_SHARE_DAYS - 1)):
                per_day = 1000 / len(chunk.days)
                rows.append((
                    files, landed.wall, planned.wall * 1000, f"{first + 1:,} to {first + len(chunk.days):,}",
                    measured.wall * per_day, measured.cpu * per_day,
                ))  # fmt: skip
        warehouse.close()
    return Table(
        f"{MANY_ROWS:,} events and their copies over {MANY_DAYS:,} days, in any order",
        ("files", "landing s", "plan ms", "days processed", "wall ms a day", "CPU ms a day"),
        rows,
    )


def _write_files(folder: Path, files: int) -> None:
    warehouse = MeteredWarehouse(settings_for(str(folder / "maker.duckdb")))
    execute = engine_of(warehouse)
    execute(
        f"""
        CREATE TEMP TABLE made AS
        SELECT
          n,
          n % {MANY_ROWS} AS event,
          1000000000 + (hash(event) % {MANY_DAYS})::BIGINT * 86400 + event % 86400 AS time
        FROM range({MANY_ROWS}) AS r(n)
        """
    )
    execute(f"INSERT INTO made SELECT n + {MANY_ROWS}, event, time FROM made WHERE hash(n, 5) % 17 = 0")
    for number in range(files):
        execute(
            f"""
            COPY (
              SELECT 'page view' AS event, {{
                'time': time, 'distinct_id': 'user' || event % 5000, '$insert_id': md5(event::VARCHAR),
                'mp_processing_time_ms': time * 1000 + (hash(n) % 100000)::BIGINT, 'page': '/p/' || event % 100
              }} AS properties
              FROM made WHERE hash(n, 8) % {files} = {number} ORDER BY hash(n, 2)
            ) TO '{folder / f"export-{number}.jsonl"}' (FORMAT json)
            """
        )
    warehouse.close()
    (folder / "maker.duckdb").unlink()
