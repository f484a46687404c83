"""Days of a project whose time zone is not UTC, with and without a day column in the source."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mixflows.errors import RulesChangedError
from tests.spec.engines import LANDED
from tests.spec.project import Project

WITHOUT_DAY = {name: kind for name, kind in LANDED.items() if name != "partition_date"}

BERLIN = [
    # The night to summer time: 2026-03-29 has 23 hours.
    ("2026-03-28T22:59:59Z", "2026-03-28"),
    ("2026-03-28T23:00:00Z", "2026-03-29"),
    ("2026-03-29T21:59:59.999999Z", "2026-03-29"),
    ("2026-03-29T22:00:00Z", "2026-03-30"),
    # The night from summer time: 2026-10-25 has 25 hours, and 02:30 twice.
    ("2026-10-24T21:59:59Z", "2026-10-24"),
    ("2026-10-24T22:00:00Z", "2026-10-25"),
    ("2026-10-25T00:30:00Z", "2026-10-25"),
    ("2026-10-25T01:30:00Z", "2026-10-25"),
    ("2026-10-25T22:59:59Z", "2026-10-25"),
    ("2026-10-25T23:00:00Z", "2026-10-26"),
]
NEW_YORK = [
    ("2026-03-08T04:59:59Z", "2026-03-07"),
    ("2026-03-08T05:00:00Z", "2026-03-08"),
    ("2026-03-09T03:59:59Z", "2026-03-08"),
    ("2026-03-09T04:00:00Z", "2026-03-09"),
]
BEIRUT = [
    # Summer time begins at midnight: 2026-03-29 has no 00:00, and begins at 01:00.
    ("2026-03-28T21:59:59Z", "2026-03-28"),
    ("2026-03-28T22:00:00Z", "2026-03-29"),
    ("2026-03-29T20:59:59Z", "2026-03-29"),
    ("2026-03-29T21:00:00Z", "2026-03-30"),
]
UTC_DAYS = [("2026-03-10T23:59:59Z", "2026-03-10"), ("2026-03-11T00:00:00Z", "2026-03-11")]


@pytest.mark.parametrize(
    ("zone", "instants", "columns"),
    [
        ("Europe/Berlin", BERLIN, LANDED),
        ("Europe/Berlin", BERLIN, WITHOUT_DAY),
        ("America/New_York", NEW_YORK, LANDED),
        ("Asia/Beirut", BEIRUT, WITHOUT_DAY),
        ("UTC", UTC_DAYS, WITHOUT_DAY),
    ],
    ids=["Berlin", "Berlin, no day column", "New York", "Beirut, no day column", "UTC, no day column"],
)
def test_every_event_is_in_the_day_of_the_projects_zone(
    project: Project, zone: str, instants: list[tuple[str, str]], columns: Mapping[str, str]
) -> None:
    project.set(project_timezone=zone)
    project.create_source(columns)
    for _ in range(2):  # every event is delivered twice, and 23:59:59 may not be taken by two days
        project.engine.insert(
            project.settings.tables.source,
            [
                {
                    "mp_event_name": "Open",
                    "distinct_id": "u1",
                    "mp_insert_id": f"i{number}",
                    "time": (at := datetime.fromisoformat(text).astimezone(UTC)),
                    "mp_processing_time_ms": int(at.timestamp() * 1000),
                    "properties": "{}",
                    **({"partition_date": date.fromisoformat(day)} if columns is LANDED else {}),
                }
                for number, (text, day) in enumerate(instants)
            ],
        )
    project.run()
    days = {date.fromisoformat(day) for _, day in instants}
    assert {row["partition_date"]: row["status"] for row in project.ledger()} == dict.fromkeys(days, "published")
    expected = [(f"i{number}", date.fromisoformat(day)) for number, (_, day) in enumerate(instants)]
    for found in (project.events(), project.rejected()):
        assert sorted((row["mp_insert_id"], row["partition_date"]) for row in found) == expected
    assert project.run().outcomes == ()


def test_the_same_id_at_the_same_local_hour_of_the_long_day_is_two_events(project: Project) -> None:
    project.set(project_timezone="Europe/Berlin")
    project.deliver("""
        id | time                 | arrival
        a  | 2026-10-25T00:30:00Z | 2026-10-25T00:31:00Z
        a  | 2026-10-25T01:30:00Z | 2026-10-25T01:31:00Z
    """)
    project.run()
    assert len(project.events()) == 2
    project.has_no_rejected()


def test_a_row_whose_day_column_is_another_day_than_its_time_blocks_the_day(project: Project) -> None:
    project.deliver("""
        id | time      | arrival   | day
        a  | 10:00     | 10:01     | 0d
        b  | +1d 00:00 | +1d 00:01 | 0d
    """)
    assert project.run_judged().exit_code == 3
    assert project.ledger()[-1]["note"] == "kept_rows_in_day 1 (at most 0)"
    assert (project.events(), project.rejected()) == ([], [])


LENIENT = {
    name: {"critical": 1.0} for name in ("duplicate_rate", "conflicting_duplicate_rate", "missing_insert_id_rate")
}
NIGHTS = """
    id | time                 | arrival              | properties
    a  | 2026-11-01T23:30:00Z | 2026-11-01T23:31:00Z | {"n": 1}
    a  | 2026-11-01T23:30:00Z | 2026-11-01T23:32:00Z | {"n": 2}
    a  | 2026-11-02T07:30:00Z | 2026-11-02T07:31:00Z | {"n": 3}
    b  | 2026-11-02T12:00:00Z | 2026-11-02T12:01:00Z | {"n": 4}
    c  | 2026-11-03T06:59:59Z | 2026-11-03T07:00:00Z | {"n": 5}
    -  | 2026-11-03T03:00:00Z | 2026-11-03T03:01:00Z | {"n": 6}
    d  | 2026-11-03T07:00:00Z | 2026-11-03T07:01:00Z | {"n": 7}
"""


def days_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["properties"].removeprefix('{"n": ').removesuffix("}"): f"{row['partition_date']:%d}" for row in rows}


@pytest.mark.parametrize("deletes", ["block", "keep"])
def test_days_that_come_from_the_time_follow_another_zone(project: Project, deletes: str) -> None:
    project.set(pipeline={"source_deletes": deletes}, quality=LENIENT)
    project.create_source(WITHOUT_DAY)
    project.deliver(NIGHTS)
    project.run()
    assert days_of(project.events()) == {"1": "01", "3": "02", "4": "02", "5": "03", "7": "03"}
    marks = project.marks()
    if deletes == "keep":
        project.delete("id | arrival\nc | 2026-11-03T07:00:00Z")
    project.set(project_timezone="America/Vancouver")
    with pytest.raises(RulesChangedError):
        project.run()
    assert days_of(project.rejected()) == {"2": "01", "6": "03"}
    result = project.run(accept_rules=True)
    assert result.exit_code == 0, [outcome.row.note or outcome.row.error for outcome in result.outcomes]
    # Midnights are 07:00 UTC from 2026-11-02 on; the pinned zones know it.
    assert days_of(project.events()) == {"1": "01", "3": "02", "4": "02", "5": "02", "7": "03"}
    assert days_of(project.rejected()) == {"2": "01", "6": "02"}
    assert project.marks() == marks
    assert [row["deleted_rows"] for row in project.ledger()[-3:]] == [0, 0, 0]
    project.run("all")
    assert {row["status"] for row in project.ledger()[-3:]} == {"unchanged"}


def test_a_day_column_of_the_users_stays_and_a_day_with_times_outside_is_blocked(project: Project) -> None:
    project.deliver("""
        id | time                 | arrival
        a  | 2026-11-02T12:00:00Z | 2026-11-02T12:01:00Z
        b  | 2026-11-03T05:00:00Z | 2026-11-03T05:01:00Z
    """)
    project.run_judged()
    before = project.everything()
    project.set(project_timezone="America/Vancouver")
    result = project.run_judged(accept_rules=True)
    assert {str(o.row.partition_date): o.row.status.value for o in result.outcomes} == {
        "2026-11-02": "unchanged",
        "2026-11-03": "blocked",
    }
    assert project.everything() == before
