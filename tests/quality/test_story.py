"""An event's story tells every copy, whatever became of its day after it was published."""

from typing import Any

import pytest

from mixflows.model import Run, Status
from mixflows.pipeline.explain import CopyStory, story
from tests.spec.engines import KEYS
from tests.spec.project import Project
from tests.spec.tables import DAY, instant

FIRST, AGAIN = "export-1.jsonl", "export-2.jsonl"


@pytest.fixture
def published(project: Project) -> Project:
    """`a` is published from two copies, `b` from one."""
    project.set(quality={"min_rows": 1, "row_checks": "never"})
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:02
        b  | 11:00 | 11:01
    """)
    project.run(run=Run("published"))
    return project


def told(project: Project, insert_id: str = "a", **more: Any) -> list[CopyStory]:
    return story(project.warehouse, project.settings, insert_id, **more)


def arrivals(copies: list[CopyStory]) -> list[tuple[str, Any, str]]:
    return [(copy.place, copy.arrived_at, copy.source_file) for copy in copies]


def test_a_day_that_a_redelivery_blocked_tells_the_copies_that_blocked_it(published: Project) -> None:
    published.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:02
        a  | 10:00 | 10:09
        b  | 11:00 | 11:01
    """)
    assert published.run_judged(run=Run("blocked-run")).exit_code == 3
    copies = told(published)
    assert arrivals(copies) == [
        ("mp_events", instant("10:01"), FIRST),
        ("mp_rejected_events", instant("10:02"), FIRST),
        ("source only", instant("10:02"), AGAIN),
        ("source only", instant("10:09"), AGAIN),
    ]
    assert [copy.run_id for copy in copies] == ["published", "published", "", ""]
    assert {(copy.day_status, copy.day_run_id) for copy in copies} == {(Status.BLOCKED, "blocked-run")}
    assert {copy.why for copy in copies[2:]} == {"its day was published without it, and is blocked by run blocked-"}
    kept, waiting = told(published, "b", days=[DAY])
    assert (kept.why, waiting.source_file) == ("the only published copy of its key", AGAIN)


def test_a_copy_that_no_run_has_taken_yet_is_told(published: Project) -> None:
    published.deliver("id | time | arrival\nb | 11:00 | 11:30")
    kept, waiting = told(published, "b")
    assert (kept.place, waiting.place) == ("mp_events", "source only")
    assert waiting.why == "its day was published without it, and no run has taken it since"


def test_a_source_that_was_loaded_anew_tells_no_copy_twice(published: Project) -> None:
    published.create_source()
    published.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:02
        a  | 10:00 | 10:09
        c  | 11:00 | 11:01
    """)
    assert arrivals(told(published))[2:] == [("source only", instant("10:09"), AGAIN)]


def test_an_event_belongs_to_the_run_that_published_it_and_not_to_one_that_found_it_unchanged(
    published: Project,
) -> None:
    published.run("all", run=Run("looked"))
    assert published.ledger()[-1]["status"] == "unchanged"
    copies = told(published)
    assert [(copy.run_id, copy.day_run_id) for copy in copies] == [("published", "looked")] * 2
    assert [copy.place for copy in copies] == ["mp_events", "mp_rejected_events"]


@pytest.mark.parametrize(
    ("engines", "key"), [*(("duckdb", key) for key in KEYS), ("bigquery", "mixpanel_day")], indirect=["engines"]
)
def test_copies_are_counted_by_the_key_of_the_settings(project: Project, key: str) -> None:
    project.set(pipeline={"key": key})
    project.deliver("id | time | user\na | 10:00 | x\na | 12:00 | x")
    project.run()
    alone = key != "mixpanel_day"
    assert [copy.why == "the only published copy of its key" for copy in told(project)] == [alone, alone]


def test_a_source_without_files_tells_none(project: Project) -> None:
    columns = {"mp_event_name": "STRING", "time": "TIMESTAMP", "distinct_id": "STRING", "mp_insert_id": "STRING"}
    project.create_source(columns)
    row = {"mp_event_name": "Open", "distinct_id": "u1", "mp_insert_id": "a", "time": instant("10:00")}
    project.engine.insert(project.settings.tables.source, [row])
    assert arrivals(told(project)) == [("source only", None, "")]


def test_a_distinct_id_leaves_the_copies_of_others_out(published: Project) -> None:
    published.deliver("id | time | arrival | user\na | 10:00 | 10:03 | u9")
    assert [copy.place for copy in told(published, distinct_id="u9")] == ["source only"]
    kept, rejected = told(published, distinct_id="u1")
    assert (kept.place, rejected.place) == ("mp_events", "mp_rejected_events")
    assert told(published, distinct_id="nobody") == []
