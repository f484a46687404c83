"""A promoted property whose type changed in the export: as it lands, and what the gate says of it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.intake.content import inspect_file
from mixflows.ledger.profiles import with_drift
from mixflows.warehouse import close_warehouses
from tests.quality.test_injected_faults import DAY, PAST_DAYS, SETTINGS, Copies, copies_of
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project

pytestmark = pytest.mark.xdist_group("landed types")

CHANGED: dict[str, tuple[Callable[[float], object], set[str]]] = {
    "a number": (lambda amount: amount, set()),
    "the number as text": (str, set()),
    "text with a unit": (lambda amount: f"{amount} EUR", {"property_type_drift"}),
    "an object": (lambda amount: {"value": amount, "currency": "EUR"}, {"property_type_drift"}),
    "a list": (lambda amount: [amount], {"property_type_drift"}),
    "whether there is one": (lambda amount: amount > 0, {"property_type_drift"}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Ten usual days, landed and published."""
    made = Project(DuckDBEngine(tmp_path_factory.mktemp("types")), **SETTINGS)
    folder = tmp_path_factory.mktemp("exports")
    for n in range(PAST_DAYS, 0, -1):
        land(made, folder / f"{n}.jsonl", copies_of(DAY - timedelta(days=n)))
    made.run()
    yield made
    close_warehouses()


def land(project: Project, path: Path, copies: Copies, change: Callable[[float], object] = float) -> None:
    """Lands copies as an export has them."""

    def line(copy: dict[str, Any]) -> str:
        members = {
            "time": int(copy["time"].timestamp()),
            "distinct_id": copy["distinct_id"],
            "$insert_id": copy["mp_insert_id"],
            "mp_processing_time_ms": copy["mp_processing_time_ms"],
            "customer_id": copy["customer_id"],
            "amount": change(copy["amount"]),
        }
        return json.dumps({"event": copy["mp_event_name"], "properties": members})

    path.write_text("".join(f"{line(copy)}\n" for copy in copies), encoding="utf-8")
    content = inspect_file(path, project.settings.landing)
    warehouse = project.warehouse
    warehouse.land(content, again=True, landed_at=datetime(2026, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", CHANGED)
def test_lands_without_value_where_it_does_not_fit_and_is_told(project: Project, tmp_path: Path, kind: str) -> None:
    change, expected = CHANGED[kind]
    project.engine.delete(project.settings.tables.source, {"partition_date": DAY})
    land(project, tmp_path / "export.jsonl", copies_of(DAY), change)
    looked_at = with_drift(project.warehouse, project.settings, [project.look()])
    found = GreatExpectationsAuditor(project.settings, None).judge(looked_at, check_rows=False)[DAY]
    assert {finding.expectation for finding in found.findings if not finding.success} == expected
