"""A project on DuckDB, its flows, and what Prefect's server knows of their runs."""

import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter
from prefect.client.schemas.objects import Artifact, FlowRun, State, TaskRun

from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.base import Warehouse
from tests.support.command_line import Installation, export

ARRIVES_WITHIN_SECONDS = 60
"""Task runs reach the server's database by way of events, some time after they ended."""


@dataclass(frozen=True)
class Ran:
    """One flow run, as the server tells it."""

    state: State[Any]
    flow_run: FlowRun

    @property
    def message(self) -> str:
        return self.state.message or ""

    @property
    def named(self) -> tuple[str, str]:
        """The type and name of the state at the server."""
        assert self.flow_run.state
        return self.flow_run.state.type.value, self.flow_run.state.name or ""

    def artifact(self, key: str) -> Artifact | None:
        """The run's last artifact of that key."""
        with get_client(sync_client=True) as client:
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter.model_validate({"key": {"any_": [key]}}),
                flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [self.flow_run.id]}}),
            )
        return found[-1] if found else None

    def table(self, key: str) -> list[dict[str, Any]]:
        artifact = self.artifact(key)
        assert artifact is not None, f"the run left no artifact {key}"
        assert artifact.type == "table"
        return json.loads(str(artifact.data))

    def task_runs(self, count: int) -> dict[str, TaskRun]:
        """The run's task runs by name, once so many of them have ended."""
        deadline = time.monotonic() + ARRIVES_WITHIN_SECONDS
        while True:
            with get_client(sync_client=True) as client:
                runs = client.read_task_runs(
                    flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [self.flow_run.id]}})
                )
            ended = {run.name: run for run in runs if run.state and run.state.is_final()}
            if len(ended) >= count or time.monotonic() > deadline:
                return ended
            time.sleep(0.2)


@dataclass(frozen=True)
class Project:
    """A folder with a DuckDB file, whose flows run in this process against the server."""

    folder: Path
    api: str

    @property
    def place(self) -> Installation:
        return Installation(self.folder)

    @property
    def assignments(self) -> list[str]:
        return [f"warehouse.path={self.folder / 'mixflows.duckdb'}", "quality.min_rows=10"]

    def settings(self) -> Settings:
        return load_settings(None, parse_assignments(self.assignments))

    def warehouse(self) -> Warehouse:
        return open_warehouse(self.settings())

    def close(self) -> None:
        """Gives the DuckDB file to others until it is needed again."""
        close_warehouses()

    def run(self, flow: Flow[..., Any], *assignments: str, **parameters: Any) -> Ran:
        """Runs a flow in this process, whatever state it ends in."""
        state = flow(**parameters, assignments=[*self.assignments, *assignments], return_state=True)
        assert isinstance(state.state_details.flow_run_id, UUID)
        with get_client(sync_client=True) as client:
            return Ran(state, client.read_flow_run(state.state_details.flow_run_id))

    def export(self, name: str, days: int, rows: int, **more: Any) -> str:
        """Writes an export file and returns its path."""
        return str(self.place.write(name, export(days, rows, **more)))

    def land(self, days: int, rows: int, **more: Any) -> None:
        """Lands an export of so many days without Prefect."""
        self.place.run("land", self.export("export.jsonl", days, rows, **more))

    def copied_to(self, folder: Path) -> "Project":
        """The same in another folder; the file must be closed."""
        return Project(self.place.copied_to(folder).folder, self.api)

    def refuse(self, table: str, day: date) -> None:
        """Makes a published table anew, so that it takes no row of a day."""
        self.warehouse().create_tables()
        self.close()
        ((columns,),) = self.place.rows(
            """SELECT string_agg(format('"{}" {}', column_name, data_type), ', ' ORDER BY column_index)"""
            f" FROM duckdb_columns() WHERE table_name = '{table}'"
        )
        self.place.change(
            f"DROP TABLE {table}", f"CREATE TABLE {table} ({columns}, CHECK (partition_date <> DATE '{day}'))"
        )

    def ledger(self) -> list[dict[str, Any]]:
        return self.warehouse().query("ledger_latest")

    def totals(self) -> dict[str, Any]:
        self.warehouse().create_tables()  # a first landing makes the source only
        (totals,) = self.warehouse().query("table_totals")
        return totals
