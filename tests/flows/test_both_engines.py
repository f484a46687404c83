"""Files and Mixpanel's days on their way to published events, by commands and flows: BigQuery ends as DuckDB does, step by step."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.schemas.objects import State

from flows.daily import daily
from flows.fetch import fetch
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.place import Place
from tests.spec.engines import DuckDBEngine
from tests.support.command_line import Installation, export
from tests.support.export_api import ExportApi, Fault

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]

SECRET = "s3cret"
FED = "source.feed=mixpanel"
TABLES = (
    "mp_master_event", "mp_malformed_records", "mp_landings", "mp_events", "mp_rejected_events", "mp_partition_runs", "mp_quality_results",
)  # fmt: skip
OF_THE_RUN = {
    "run_id", "started_at", "finished_at", "recorded_at", "checked_at", "loaded_at", "landed_at", "gone_since", "rejection_timestamp",
    "work_seconds", "batch_id", "source_version", "engine", "bytes_processed", "slot_ms", "step_costs", "source_columns", "attempt",
}  # fmt: skip
"""What tells of a run, its time and its engine."""


def events(day: date, rows: int, **properties: object) -> list[bytes]:
    lines = export(1, rows, first_day=(day - date(2024, 1, 1)).days).splitlines()
    held = [json.loads(line) for line in lines]
    return [json.dumps(event | {"properties": event["properties"] | properties}).encode() for event in held]


def without_run(found: Any) -> Any:
    match found:
        case dict():
            return {name: without_run(value) for name, value in found.items() if name not in OF_THE_RUN}
        case list():
            return [without_run(value) for value in found]
        case _:
            return found


@dataclass
class Side:
    """The scenario on one engine.

    Attributes:
        ended: What each step ended with, in order.
    """

    engine: DuckDBEngine | Place
    api: ExportApi
    folder: Path
    ended: list[Any] = field(default_factory=list[Any])

    def write_settings(self, first_day: date) -> None:
        place = self.engine.settings({})
        own = {"engine": "bigquery"} if place.warehouse.engine == "bigquery" else {"path": str(place.warehouse.path)}
        sections: dict[str, dict[str, Any]] = {
            "warehouse": own,
            "bigquery": place.bigquery.model_dump(mode="json", exclude_unset=True, exclude_none=True),
            "quality": {"min_rows": 5},
            "mixpanel": {
                "project_id": self.api.project_id, "service_account": self.api.user, "api_url": self.api.url, "first_day": f"{first_day}",
            },
            "fetch": {"folder": "fetched", "days_per_query": 1},
        }  # fmt: skip
        lines = [
            line
            for name, section in sections.items()
            for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items()))
        ]
        (self.folder / "mixflows.toml").write_text("\n".join(lines))

    def command(self, *words: str, code: int = 0) -> None:
        close_warehouses()
        ended = Installation(self.folder).run(*words, code=code)
        out = without_run(ended.json) if "--json" in words and not code else ended.out
        complaint = re.sub(r"\d{4}-\d\d-\d\d at [\d:]+", "then", ended.err)
        complaint = re.sub(r"another (warehouse\.path|bigquery\.dataset)", "another place", complaint)
        self.ended.append((words, out, complaint))

    def flow(self, run: Flow[..., Any], **parameters: Any) -> None:
        close_warehouses()
        state: State[Any] = run(config=str(self.folder / "mixflows.toml"), **parameters, return_state=True)
        close_warehouses()
        said = (state.message or "").replace(str(self.folder), "")
        self.ended.append((run.name, state.type.value, state.name, said))

    def tables(self) -> dict[str, list[str]]:
        self.engine.warehouse(self.engine.settings({})).create_tables()
        return {
            table: sorted(json.dumps(without_run(row), sort_keys=True, default=str) for row in self.engine.rows(table))
            for table in TABLES
        }


def scenario(side: Side) -> None:
    """Two days: the first from files, as a whole and from Mixpanel; the second from Mixpanel."""
    first = datetime.now(UTC).date() - timedelta(days=3)
    second = first + timedelta(days=1)
    side.write_settings(first)
    (side.folder / "old.jsonl").write_bytes(b"\n".join([*events(first, 40), b"no event", b""]))
    (side.folder / "new.jsonl").write_bytes(b"\n".join([*events(first, 20), *events(first, 39, plan="pro")[20:], b""]))
    side.command("land", "old.jsonl")
    side.command("land", "old.jsonl", code=1)
    side.command("land", "new.jsonl", "--whole-days", f"{first}")
    side.command("land", "new.jsonl", "--whole-days", f"{first}")

    side.api.put(first, events(first, 40))
    side.command("fetch", "--start", f"{first}", "--end", f"{first}", "--json")
    side.api.put(first, [])
    side.command("fetch", "--start", f"{first}", "--end", f"{first}", code=1)
    side.flow(fetch, start=first, end=first, accept_shrink=[first])
    side.command("land", "old.jsonl", "--again", code=2)

    side.api.put(second, events(second, 30) + events(second, 10) + [b"no event"])
    side.api.faults.append(Fault("terminated_early", times=None, day=second))
    side.flow(daily, assignments=[FED])
    side.api.faults.clear()
    side.flow(daily, assignments=[FED])
    side.command("run", "--no-prefect", "--set", FED, code=3)
    side.command("status", "--json", "--set", FED)


def test_every_step_and_table_is_the_same_on_both_engines(
    server: str, bigquery_api: BigQueryApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXFLOWS_MIXPANEL__SECRET", SECRET)
    made: list[Callable[[Path], DuckDBEngine | Place]] = [DuckDBEngine, lambda _: Place(bigquery_api)]
    found: list[tuple[list[Any], dict[str, list[str]]]] = []
    for number, engine in enumerate(made):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        with closing(engine(folder)) as place, ExportApi(secret=SECRET) as api:
            side = Side(place, api, folder)
            scenario(side)
            found.append((side.ended, side.tables()))
            close_warehouses()
    (on_duckdb, duckdb_tables), (on_bigquery, bigquery_tables) = found
    for step, same in zip(on_bigquery, on_duckdb, strict=True):
        assert step == same
    assert bigquery_tables == duckdb_tables
    states = [ended[1:3] for ended in on_duckdb if ended[0] in ("fetch", "daily")]
    assert states == [("COMPLETED", "Completed"), ("FAILED", "Failed"), ("FAILED", "Blocked")]
    status = on_duckdb[-1][1]
    assert status["exit_code"] == 3
    totals = status["totals"]
    assert totals["held_back"] == totals["delivered"] - totals["malformed"] == 40
    assert totals["retained"] == totals["kept"] + totals["rejected"] == 40
