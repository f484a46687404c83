"""The gate before publishing: a day that is not fit keeps what was published before."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.spec.engines import ON_DUCKDB
from tests.spec.project import Project
from tests.spec.tables import DAY, instant, milliseconds

BAD = {"min_rows": 10, "duplicate_rate": {"warning": 0.05, "critical": 0.1}}


def copies(ids: Sequence[str], *, day: str = "", arrival: str = "10:01") -> list[dict[str, Any]]:
    """One copy of each id at 10:00."""
    at, arrived = instant(f"{day} 10:00".strip()), instant(f"{day} {arrival}".strip())
    return [{"mp_insert_id": name, "time": at, "mp_processing_time_ms": milliseconds(arrived)} for name in ids]


IDS = [f"i{number:02}" for number in range(20)]


@pytest.fixture
def strict(project: Project) -> Project:
    project.set(quality=BAD)
    project.add(copies(IDS))
    project.add(copies(IDS[:1], arrival="10:02"))
    project.run_judged()
    assert (project.status(), len(project.events()), len(project.rejected())) == ("published", 20, 1)
    return project


def test_a_blocked_day_keeps_the_rows_that_were_published_before_and_the_other_days_go_on(strict: Project) -> None:
    before = strict.everything()
    strict.add(copies(IDS[:9], arrival="09:30"))  # winners, all of them
    strict.add(copies(IDS, day="+1d"))
    result = strict.run_judged()
    assert result.exit_code == 3
    (blocked,) = [row for row in strict.ledger() if row["status"] == "blocked"]
    assert blocked["partition_date"] == DAY
    assert blocked["note"].startswith("33.33 % of 30 rows are duplicates (limit 10 %)")
    assert (blocked["source_rows"], blocked["duplicate_rows"], blocked["inserted_rows"]) == (30, 10, 0)
    of_the_day = [row for row in strict.events() if row["partition_date"] == DAY]
    assert (len(of_the_day), len(strict.events())) == (20, 40)
    assert strict.everything()[1] == before[1]
    assert set(before[0]) <= set(strict.everything()[0])


@ON_DUCKDB
def test_opened_thresholds_let_the_blocked_day_pass(strict: Project) -> None:
    strict.add(copies(IDS[:9], arrival="09:30"))
    strict.run_judged()
    assert strict.planned() == {}
    strict.set(quality={"duplicate_rate": {"warning": "none", "critical": "none"}})
    assert strict.planned() == {DAY: "thresholds_changed"}
    strict.run_judged()
    assert (strict.status(), len(strict.events()), len(strict.rejected())) == ("published", 20, 10)
    assert {row["mp_processing_time_ms"] for row in strict.events()} == {
        milliseconds(instant("09:30")),
        milliseconds(instant("10:01")),
    }


def test_a_warning_publishes_and_flags(project: Project) -> None:
    project.set(quality=BAD)
    project.add(copies(IDS))
    project.add(copies(IDS[:2]))
    (outcome,) = project.run_judged().outcomes
    assert (outcome.row.status, outcome.warned) == ("published", True)
    results = project.engine.rows(project.settings.tables.quality)
    judged = {
        (row["severity"], row["success"]): row["threshold"] for row in results if row["expectation"] == "duplicate_rate"
    }
    assert judged == {("warning", False): 0.05, ("critical", True): 0.1}
    assert {row["run_id"] for row in results} == {project.ledger()[-1]["run_id"]}


@ON_DUCKDB
def test_a_small_day_is_not_judged_by_rates(project: Project) -> None:
    project.set(quality=BAD)
    project.add(copies(IDS[:3]))
    project.add(copies(IDS[:3]))
    project.add(copies(IDS[:3]))
    project.run_judged()
    assert (project.status(), len(project.events()), len(project.rejected())) == ("published", 3, 6)


def test_great_expectations_agrees_on_the_staged_rows(project: Project) -> None:
    project.deliver("""
        event | user | id | time  | arrival | properties | day
        Open  | -    | a  | 10:00 | 10:01   | {"n": 1}   | 0d
        Open  | -    | a  | 10:00 | 10:02   | {"n": 2}   | 0d
        Open  | u1   | -  | 10:00 | 10:01   | {}         | 0d
        Open  | u1   | b  | -     | 10:01   | {}         | 0d
    """)
    for key, missing in (("insert_id_time", "reject"), ("mixpanel", "keep"), ("mixpanel_day", "keep")):
        project.set(pipeline={"key": key, "missing_insert_id": missing})
        result = project.run_judged("all", accept_rules=True, check_rows=True)
        assert [outcome.findings for outcome in result.outcomes] == [()]
        judged = [
            row for row in project.engine.rows(project.settings.tables.quality) if row["run_id"] == result.run.run_id
        ]
        assert {row["suite"] for row in judged} == {"figures", "rows"}
        assert all(row["success"] for row in judged)
