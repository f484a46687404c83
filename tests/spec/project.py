"""A project under test: copies are delivered, days are run, and the tables are held against little tables of rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from mixflows.days import DayRange
from mixflows.ledger.runs import day_states
from mixflows.model import Mode, Plan, Run, StagedDay
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import Auditor, RunResult, ThreadSteps, process
from mixflows.pipeline.stage import discard_batch, stage_batch
from mixflows.settings import Settings
from mixflows.verdict import Verdict
from mixflows.warehouse.base import Warehouse
from tests.spec.engines import LANDED, Engine, Row
from tests.spec.tables import DAY, comparable, rows

RUN_COLUMNS = ("loaded_at", "source_file", "run_id", "rejection_timestamp")
"""What tells of the way and the run, and not of the event."""

DEFAULTS = {"mp_event_name": "Open", "distinct_id": "u1", "properties": "{}", "mp_processing_time_ms": None}


class LetAll:
    """An auditor that lets every day pass: for tests of everything but the gate."""

    def warm_up(self) -> None:
        pass

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        return {day.day: Verdict() for day in staged}


class Project:
    """One project's tables on one engine.

    Args:
        engine: Where they are.
        sections: Settings.
    """

    def __init__(self, engine: Engine, **sections: Any) -> None:
        self.engine = engine
        self._sections = sections
        self.settings: Settings = engine.settings(sections)
        self._delivery = count(1)
        self._columns: Mapping[str, str] = LANDED

    @property
    def warehouse(self) -> Warehouse:
        return self.engine.warehouse(self.settings)

    def set(self, **sections: Any) -> None:
        """Changes settings, section by section."""
        for name, section in sections.items():
            held = self._sections.get(name)
            self._sections[name] = held | section if isinstance(held, dict) else section
        self.settings = self.engine.settings(self._sections)

    # The source

    def create_source(self, columns: Mapping[str, str] = LANDED) -> None:
        """Makes the source, or makes it anew, and the tables that are missing."""
        self._columns = columns
        self.engine.create_table(self.settings.tables.source, columns)
        self.warehouse.create_tables()

    def deliver(self, table: str) -> None:
        """Adds copies to the source, as one landing."""
        self.add(rows(table))

    def add(self, copies: Sequence[Mapping[str, Any]]) -> None:
        """Adds copies; what is not told of them is usual."""
        number = next(self._delivery)
        landing = {
            "loaded_at": datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=number),
            "source_file": f"export-{number}.jsonl",
        }
        self.engine.insert(
            self.settings.tables.source,
            [DEFAULTS | self._day_of(copy) | landing | dict(copy) for copy in copies],
        )

    def _day_of(self, copy: Mapping[str, Any]) -> dict[str, date]:
        if "partition_date" not in self._columns:
            return {}
        return {"partition_date": DAY if copy["time"] is None else copy["time"].astimezone(self.settings.zone).date()}

    def delete(self, table: str) -> None:
        """Deletes copies from the source; each row of the table must hit exactly one."""
        for where in rows(table):
            assert self.engine.delete(self.settings.tables.source, where) == 1, where

    # Runs

    def plan(
        self,
        mode: str = "due",
        *,
        accept_rules: bool = False,
        newest_first: bool = False,
        check_rows: bool = False,
        days: DayRange | None = None,
    ) -> Plan:
        request = PlanRequest(Mode(mode), days or DayRange(), accept_rules, newest_first, check_rows)
        return make_plan(self.warehouse, self.settings, request)

    def planned(self, mode: str = "due", **request: Any) -> dict[date, str]:
        """The planned days with their reasons."""
        return {day.day: day.reason.value for day in self.plan(mode, **request).days}

    def run(
        self,
        mode: str = "due",
        *,
        run: Run | None = None,
        auditor: Auditor | None = None,
        **request: Any,
    ) -> RunResult:
        """Runs what a mode takes. Without an auditor, every day passes."""
        plan = self.plan(mode, **request)
        context = self.context(run or Run(f"run{next(self._delivery)}"))
        steps = ThreadSteps(context, auditor or LetAll())
        return process(context, plan, steps, plan_again=lambda: self.plan(mode, **request))

    def run_judged(self, mode: str = "due", **request: Any) -> RunResult:
        """As `run`, and Great Expectations judges the days."""
        return self.run(mode, auditor=self.auditor(), **request)

    def auditor(self) -> Auditor:
        """Great Expectations."""
        from expectations.gate import GreatExpectationsAuditor

        return GreatExpectationsAuditor(self.settings, self.warehouse.row_access())

    def look(self) -> StagedDay:
        """The one planned day, staged and not published."""
        context = self.context(Run("look"))
        batch = stage_batch(context, self.plan().days)
        discard_batch(context, batch)
        (staged,) = batch.days
        return staged

    def context(self, run: Run) -> RunContext:
        return RunContext(self.warehouse, self.settings, run)

    # What came of it

    def events(self) -> list[Row]:
        return self.engine.rows(self.settings.tables.events)

    def rejected(self) -> list[Row]:
        return self.engine.rows(self.settings.tables.rejected)

    def ledger(self) -> list[Row]:
        """Latest last."""
        return sorted(self.engine.rows(self.settings.tables.ledger), key=lambda row: row["finished_at"])

    def status(self, day: date = DAY) -> str:
        return day_states(self.warehouse)[day].status.value

    def has_events(self, table: str) -> None:
        """Asserts that the events are these rows, in the table's columns."""
        _same(self.events(), rows(table), table)

    def has_rejected(self, table: str) -> None:
        """Asserts that the rejected rows are these, in the table's columns."""
        _same(self.rejected(), rows(table), table)

    def has_no_rejected(self) -> None:
        assert self.rejected() == []

    def marks(self) -> Counter[tuple[Any, ...]]:
        """When each rejected copy was rejected first, and by which run."""
        return Counter(
            (row["mp_insert_id"], row["mp_processing_time_ms"], row["rejection_timestamp"], row["run_id"])
            for row in self.rejected()
        )

    def content(self) -> tuple[list[str], list[str]]:
        """Both published tables, without what tells of the way and the run."""
        tables = self.events(), self.rejected()
        return tuple(  # pyright: ignore[reportReturnType]
            comparable(table, sorted(set(table[0]) - set(RUN_COLUMNS)) if table else ()) for table in tables
        )

    def everything(self) -> tuple[list[str], list[str]]:
        """Both published tables, whole."""
        tables = self.events(), self.rejected()
        return tuple(comparable(table, table[0] if table else ()) for table in tables)  # pyright: ignore[reportReturnType]


def _same(found: Sequence[Row], expected: Sequence[Row], table: str) -> None:
    assert expected, f"name the columns of at least one row:\n{table}"
    names = list(expected[0])
    assert comparable(found, names) == comparable(expected, names)
