"""Days of a project whose time zone is not UTC, with and without a day column in the source."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

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


@pytest.mark.parametrize("columns", [LANDED, WITHOUT_DAY], ids=["day column", "no day column"])
@pytest.mark.parametrize(
    ("zone", "instants"),
    [("Europe/Berlin", BERLIN), ("America/New_York", NEW_YORK), ("Asia/Beirut", BEIRUT), ("UTC", [])],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_event_is_in_the_day_of_the_projects_zone(
    project: Project, zone: str, instants: list[tuple[str, str]], columns: Mapping[str, str]
) -> None:
    instants = instants or [("2026-03-10T23:59:59Z", "2026-03-10"), ("2026-03-11T00:00:00Z", "2026-03-11")]
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
    assert project.run().exit_code == 3
    assert project.ledger()[-1]["note"] == "kept_rows_in_day 1 (at most 0)"
    assert (project.events(), project.rejected()) == ([], [])
