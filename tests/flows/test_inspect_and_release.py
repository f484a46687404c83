"""The flows `inspect` and `release`: what they leave in Prefect and in the tables, and the forms they are asked with."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

from flows.inspect_day import inspect
from flows.release_day import release
from mixflows.warehouse import close_warehouses
from tests.flows.project import Project

pytestmark = pytest.mark.xdist_group("prefect")

DAY = date(2024, 1, 1)
WHY = "an SDK sent twice, ticket 7"


@pytest.fixture(scope="module")
def blocked_once(server: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("blocked"), server)
    made.land(1, 60, twice={0: 30})
    made.place.run("run", "--no-prefect", "--set", "quality.min_rows=10", code=3)
    return made


@pytest.fixture
def project(blocked_once: Project, tmp_path: Path) -> Iterator[Project]:
    """One day of 60 events, which is blocked as 30 of them came twice."""
    yield blocked_once.copied_to(tmp_path)
    close_warehouses()


def test_a_blocked_day_is_inspected_and_released(project: Project) -> None:
    ledger = project.ledger()

    ran = project.run(inspect, day=DAY)
    assert ran.flow_run.name == "inspect 2024-01-01"
    assert ran.named == ("COMPLETED", "Completed")
    artifact = ran.artifact("mixflows-inspect")
    assert artifact is not None
    assert (artifact.type, artifact.description) == ("markdown", f"A close look at {DAY}")
    told = str(artifact.data)
    assert told.startswith(f"**{DAY}** is blocked.")
    assert "| would be kept | 60 |" in told
    assert "- critical: duplicate_rate 33.3 % (at most 1 %)" in told
    assert "- sample, view, 2024-01-01T00:00:" in told
    assert "Duplicate event, exact copy" in told
    assert (project.ledger(), project.totals()["event_rows"]) == (ledger, 0)

    out = project.folder / "report.html"
    ran = project.run(release, f"report.path={out}", day=DAY, because=WHY)
    assert (ran.flow_run.name, *ran.named) == ("release 2024-01-01", "COMPLETED", "Completed")
    (row,) = project.ledger()
    assert (row["status"], row["run_id"]) == ("published", str(ran.flow_run.id))
    assert row["note"].startswith(f"released: {WHY} (33.33 % of 90 rows are duplicates (limit 1 %)")
    assert (project.totals()["event_rows"], project.totals()["rejected_rows"]) == (60, 30)
    assert f"Released: {WHY}" in out.read_text(encoding="utf-8")
    assert ran.artifact("mixflows-report") is not None


def test_a_release_that_cannot_be_published_ends_failed(project: Project) -> None:
    project.refuse("mp_events", DAY)
    out = project.folder / "report.html"
    ran = project.run(release, f"report.path={out}", day=DAY, because=WHY)
    assert ran.named == ("FAILED", "Failed")
    assert ran.message.startswith(f"1 day; failed: {DAY} (")
    (row,) = project.ledger()
    assert (row["status"], project.totals()["event_rows"]) == ("failed", 0)
    assert str(DAY) in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flow", "required", "described"),
    [
        (inspect, ["day"], {"day": "The day."}),
        (
            release,
            ["day", "because"],
            {
                "day": "The blocked day.",
                "because": "Why it is right as it is; kept in the ledger and shown in the report.",
            },
        ),
    ],
    ids=["inspect", "release"],
)
def test_the_form_asks_for_what_is_needed_and_describes_it(
    flow: Flow[..., Any], required: list[str], described: dict[str, str]
) -> None:
    form = flow.parameters
    assert form.required == required
    assert form.properties["day"]["format"] == "date"
    always = {"config": "The settings' file.", "assignments": "Settings over it, as `section.name=value`."}
    assert {name: field["description"] for name, field in form.properties.items()} == described | always
