"""What Great Expectations costs: its import, the figures of one day and of many, and the rows of a day."""

import sys
from dataclasses import replace
from datetime import timedelta

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse, Span, middle, process, span_with_children
from benchmarks.source import add_days, day_of, engine_of, settings_for
from expectations.auditor import GreatExpectationsAuditor
from mixflows.model import PlannedDay, PlanReason, Run
from mixflows.pipeline.publish import discard_stage, stage_day

ROWS = 200_000
MANY = 400
REPEATS = 7


def answer(asked: Asked) -> Answer:
    imports = [process([sys.executable, "-c", "import expectations.validation"], asked.folder) for _ in range(3)]
    settings = settings_for(str(asked.folder / "gate.duckdb"))
    warehouse = MeteredWarehouse(settings)
    add_days(engine_of(warehouse), 0, 1, ROWS)
    warehouse.create_tables()
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    auditor.warm_up()
    planned, run = PlannedDay(day_of(0), PlanReason.NEW, ROWS, "benchmark"), Run("benchmark")
    staged = stage_day(warehouse, settings, planned, run)
    many = [replace(staged, planned=replace(planned, day=day_of(0) + timedelta(n))) for n in range(MANY)]
    spans: dict[str, list[Span]] = {"figures of 1 day": [], f"figures of {MANY} days": [], f"rows, {ROWS:,}": []}
    for repeat in range(REPEATS + 1):
        for name, days, check_rows in zip(spans, ([staged], many, [staged]), (False, False, True), strict=True):
            with span_with_children() as measured:
                auditor.judge(days, check_rows=check_rows)
            if repeat:
                spans[name].append(measured)
    discard_stage(warehouse, planned, run)
    warehouse.close()
    one, all_days, rows = (middle(s) for s in spans.values())
    return Answer(
        f"The gate: medians of {REPEATS} validations in turns, in a warm process; the rows suite includes its"
        " day's figures.",
        [Figure(f"figures of {MANY} days : figures of 1 day", all_days.wall / one.wall, 2.0)],
        [
            Table(
                "Medians",
                ("", "wall ms", "CPU ms"),
                [
                    ("import, in a process of its own", middle(imports).wall * 1000, middle(imports).cpu * 1000),
                    *((name, middle(s).wall * 1000, middle(s).cpu * 1000) for name, s in spans.items()),
                    ("rows alone (difference)", (rows.wall - one.wall) * 1000, (rows.cpu - one.cpu) * 1000),
                ],
            )
        ],
    )
