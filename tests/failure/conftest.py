"""A warehouse in a folder of its own, with two landed or published days."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import Mode, Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.land import land_one
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import RunResult, ThreadSteps, process
from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.base import Warehouse
from tests.failure.exports import first_export, write_export
from tests.failure.tables import Tables

Opener = Callable[[Settings], Warehouse]


@dataclass
class Yard:
    """A warehouse's file and what can be done to it; it is open only while something is done.

    Attributes:
        sections: Settings other than the file.
    """

    folder: Path
    sections: dict[str, Any] = field(default_factory=dict[str, Any])
    _runs: int = 0
    _files: int = 0

    @property
    def path(self) -> Path:
        return self.folder / "yard.duckdb"

    @property
    def settings(self) -> Settings:
        return Settings.model_validate({"warehouse": {"path": self.path, "threads": 1}} | self.sections)

    def land(self, lines: list[str], name: str = "") -> None:
        self._files += 1
        file = write_export(self.folder / f"{name or f'export{self._files}'}.jsonl", lines)
        land_one(open_warehouse(self.settings), self.settings, file, again=False)
        close_warehouses()

    def backfill(self, mode: Mode = Mode.DUE, *, opener: Opener = open_warehouse) -> RunResult:
        """Backfills without Prefect, with the real suites."""
        self._runs += 1
        settings, run = self.settings, Run(f"run{self._runs}")
        warehouse = opener(settings)
        try:
            warehouse.create_tables()
            plan = make_plan(warehouse, settings, PlanRequest(mode))
            auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
            context = RunContext(warehouse, settings, run)
            return process(context, plan, ThreadSteps(context, auditor))
        finally:
            warehouse.close()
            close_warehouses()

    def copied_to(self, folder: Path) -> "Yard":
        """A copy in another folder, where its files and runs go on."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder, sections=dict(self.sections))

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs SQL of a stranger, past the pipeline."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def tables(self) -> Tables:
        return Tables.of(self.path)


@pytest.fixture(scope="session")
def landed_once(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    yard = Yard(tmp_path_factory.mktemp("landed"))
    yard.land(first_export())
    return yard


@pytest.fixture(scope="session")
def published_once(landed_once: Yard, tmp_path_factory: pytest.TempPathFactory) -> Yard:
    yard = landed_once.copied_to(tmp_path_factory.mktemp("published"))
    yard.backfill()
    return yard


@pytest.fixture
def yard(landed_once: Yard, tmp_path: Path) -> Iterator[Yard]:
    """Landed: two days with copies and invalid rows. Nothing is published yet."""
    yield landed_once.copied_to(tmp_path)
    close_warehouses()


@pytest.fixture
def published(published_once: Yard, tmp_path: Path) -> Iterator[Yard]:
    """The two days are published too."""
    yield published_once.copied_to(tmp_path)
    close_warehouses()
