"""Any script of versions of days, each delivery and each run killed at any call and done again: the same tables."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixflows.warehouse import close_warehouses
from tests.failure.kill_job import driven
from tests.slots.days import Days
from tests.slots.oracle import Source
from tests.slots.versions import SLOTS, Version, check_tables, scripts, superseded
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.support.examples import examples


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    yield Days(Project(DuckDBEngine(tmp_path)), tmp_path)
    close_warehouses()


@pytest.mark.parametrize(
    ("key", "keep", "deletes"), [("insert_id_time", "first", None), ("mixpanel", "latest", "apply")]
)
def test_killed_anywhere_and_done_again(days: Days, key: str, keep: str, deletes: str | None) -> None:
    days.project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": "reject", "source_deletes": deletes})
    kills = st.tuples(st.integers(0, 28), st.integers(0, 25))

    @examples(1)
    @given(scripts(2), st.lists(kills, min_size=5, max_size=5))
    def holds(versions: list[Version], killed_at: list[tuple[int, int]]) -> None:
        script = list(zip(versions, killed_at, strict=False))
        days.clear()
        close_warehouses()
        source = Source(key, keeps=deletes is None)
        for (version, _), instant in zip(script, delivered(days, script), strict=True):
            superseded(source, version, instant)
        days.run()
        check_tables(days, source, keep, "reject")

    holds()


def delivered(days: Days, script: list[tuple[Version, tuple[int, int]]]) -> list[datetime]:
    """Delivers the versions in processes that are killed; when each was landed."""
    steps = [
        {
            "file": str(days.file(version.lines, f"{number}-of-{version.slot}/{version.slot}.jsonl")),
            "days": list(map(str, SLOTS[version.slot])),
            "killed_at": killed_at,
            "runs": version.runs,
            "run_killed_at": run_killed_at,
        }
        for number, (version, (killed_at, run_killed_at)) in enumerate(script)
    ]
    job = days.folder / "job.json"
    job.write_text(json.dumps({"settings": days.project.settings.model_dump(mode="json"), "steps": steps}))
    return [datetime.fromisoformat(text) for text in driven("tests.slots.kill_versions", job)]
