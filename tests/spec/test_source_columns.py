"""Sources of other shapes, and what happens when the source's shape changes."""

from datetime import UTC, datetime

import pytest

from mixflows.errors import SourceColumnsError
from tests.spec.engines import LANDED, Engine
from tests.spec.project import Project
from tests.spec.tables import DAY, instant, milliseconds

ONE = """
    id | time  | arrival
    a  | 10:00 | 10:01
"""


def without(*names: str) -> dict[str, str]:
    return {name: kind for name, kind in LANDED.items() if name not in names}


@pytest.fixture
def bare(engines: Engine) -> Project:
    """A project without any table."""
    return Project(engines)


def insert(project: Project, *copies: dict[str, object]) -> None:
    """Adds rows with exactly these columns."""
    project.engine.insert(project.settings.tables.source, copies)  # pyright: ignore[reportArgumentType]


def test_a_new_column_of_the_source_appears_in_both_tables_and_rewrites_nothing(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:02
    """)
    project.run()
    project.engine.add_column(project.settings.tables.source, "plan", "STRING")
    project.run("all")
    project.has_events("""
        id | plan
        a  | -
    """)
    project.has_rejected("""
        id | plan | exact
        a  | -    | yes
    """)
    assert project.status() == "unchanged"
    project.deliver("""
        id | time  | arrival | plan
        a  | 10:00 | 10:03   | gold
        b  | 10:00 | 10:01   | gold
    """)
    project.run()
    project.has_events("""
        id | plan
        a  | -
        b  | gold
    """)
    project.has_rejected("""
        id | arrival | plan | exact
        a  | 10:02   | -    | yes
        a  | 10:03   | gold | no
    """)


def test_a_new_column_is_written_where_the_winner_is_another_copy(project: Project) -> None:
    project.deliver(ONE)
    project.run()
    project.engine.add_column(project.settings.tables.source, "plan", "STRING")
    project.deliver("""
        id | time  | arrival  | plan
        a  | 10:00 | 10:00:30 | gold
    """)
    project.run()
    project.has_events("""
        id | arrival  | plan
        a  | 10:00:30 | gold
    """)


def test_a_column_whose_type_changed_is_named_before_anything_is_written(project: Project) -> None:
    project.deliver(ONE)
    project.run()
    before, ledger = project.everything(), project.ledger()
    project.engine.create_table(
        project.settings.tables.source, {**LANDED, "mp_event_name": "INT64", "new_one": "STRING"}
    )
    project.set()
    with pytest.raises(
        SourceColumnsError, match=r"mp_event_name \((VARCHAR became BIGINT|STRING became INT64)\)"
    ) as refusal:
        project.run("all")
    assert "Nothing was written" in refusal.value.hint
    assert (project.everything(), project.ledger()) == (before, ledger)
    assert "new_one" not in project.events()[0]


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        ("time", "STRING", "column mp_master_event.time is (VARCHAR|STRING), but columns.time must be TIMESTAMP"),
        (
            "mp_insert_id",
            "BOOL",
            "column mp_master_event.mp_insert_id is (BOOLEAN|BOOL), but columns.insert_id must be one of (VARCHAR|STRING)",
        ),
        ("mp_processing_time_ms", "BOOL", "mp_processing_time_ms is (BOOLEAN|BOOL)"),
    ],
)
def test_a_column_that_cannot_play_its_role_is_named(bare: Project, column: str, kind: str, message: str) -> None:
    with pytest.raises(SourceColumnsError, match=message):
        bare.create_source({**LANDED, column: kind})


def test_a_source_without_a_column_that_the_settings_name_is_refused(bare: Project) -> None:
    with pytest.raises(SourceColumnsError, match=r"has no column 'mp_insert_id', which the setting columns\.insert_id"):
        bare.create_source(without("mp_insert_id"))


def test_a_source_without_landing_columns_is_watched_by_rows_and_last_arrival(bare: Project) -> None:
    bare.create_source(without("loaded_at", "source_file"))
    copy = {
        "mp_event_name": "Open",
        "distinct_id": "u1",
        "mp_insert_id": "a",
        "time": instant("10:00"),
        "mp_processing_time_ms": milliseconds(instant("10:01")),
        "partition_date": DAY,
    }
    insert(bare, copy)
    bare.run()
    assert bare.planned() == {}
    insert(bare, copy)
    assert bare.planned() == {DAY: "changed"}
    bare.run()
    assert (len(bare.events()), len(bare.rejected())) == (1, 1)


@pytest.mark.parametrize("keep", ["first", "latest"])
def test_where_the_source_has_no_arrival_the_landing_decides(bare: Project, keep: str) -> None:
    bare.set(pipeline={"keep": keep})
    bare.create_source(without("mp_processing_time_ms"))
    for hour in (12, 11, 13):
        insert(
            bare,
            {
                "mp_event_name": "Open",
                "mp_insert_id": "a",
                "time": instant("10:00"),
                "partition_date": DAY,
                "loaded_at": datetime(2026, 6, 1, hour, tzinfo=UTC),
            },
        )
    bare.run()
    (event,) = bare.events()
    assert event["loaded_at"].hour == (11 if keep == "first" else 13)
    bare.run("all")
    assert bare.status() == "unchanged"


def test_an_arrival_may_be_a_timestamp_to_the_microsecond(bare: Project) -> None:
    bare.create_source({**LANDED, "mp_processing_time_ms": "TIMESTAMP"})
    usual = {"mp_event_name": "Open", "mp_insert_id": "a", "time": instant("10:00"), "partition_date": DAY}
    for micros in (2, 1, 3):
        insert(bare, {**usual, "mp_processing_time_ms": instant("10:01").replace(microsecond=micros)})
    insert(bare, {**usual, "mp_insert_id": "b", "mp_processing_time_ms": instant("08:59")})
    bare.run()
    assert [row["mp_processing_time_ms"].microsecond for row in bare.events()] == [1]
    assert sorted(row["rejection_reason"] for row in bare.rejected()) == [
        "Duplicate event",
        "Duplicate event",
        "Event time in the future",
    ]
    bare.run("all")
    assert bare.status() == "unchanged"
    insert(bare, {**usual, "mp_processing_time_ms": instant("10:01")})
    bare.run()
    assert [row["mp_processing_time_ms"].microsecond for row in bare.events()] == [0]
    assert (bare.status(), len(bare.rejected())) == ("published", 4)


def test_other_names_of_tables_and_columns_by_settings(bare: Project) -> None:
    bare.set(
        tables={"source": "mixpanel_raw", "events": "clean_events", "rejected": "rejected_rows", "ledger": "runs"},
        columns={
            "insert_id": "insert_id",
            "time": "at",
            "event_name": "event_name",
            "distinct_id": "device",
            "arrival": "none",
            "loaded_at": "order",  # a reserved word
            "day": "none",
        },
        pipeline={"key": "mixpanel", "missing_insert_id": "keep"},
    )
    columns = {
        "event_name": "STRING",
        "insert_id": "STRING",
        "at": "TIMESTAMP",
        "device": "STRING",
        "order": "TIMESTAMP",
        "select": "FLOAT64",
    }
    bare.create_source(columns)
    usual = {"event_name": "Open", "insert_id": "a", "at": instant("10:00"), "device": None, "select": 0.1}
    insert(
        bare,
        {**usual, "order": instant("12:00")},
        {**usual, "order": instant("11:00")},
        {**usual, "order": instant("13:00"), "select": 0.2},
        {**usual, "order": instant("13:00"), "insert_id": None},
    )
    bare.run()
    assert [
        (row["order"].hour, row["select"], row["partition_date"])
        for row in sorted(bare.events(), key=lambda row: row["order"])
    ] == [
        (11, 0.1, DAY),
        (13, 0.1, DAY),
    ]
    assert sorted((row["row_num"], row["is_exact_copy"], row["partition_date"]) for row in bare.rejected()) == [
        (2, True, DAY),
        (3, False, DAY),
    ]
    before = bare.everything()
    bare.run("all")
    assert (bare.status(), bare.everything()) == ("unchanged", before)


def test_a_rebuilt_day_keeps_every_column_in_its_place(project: Project) -> None:
    """A column that was added later stands behind the pipeline's own in the rejected table."""
    project.deliver(ONE)
    project.run()
    project.engine.add_column(project.settings.tables.source, "plan", "STRING")
    project.deliver("""
        id | time  | arrival | plan
        a  | 10:00 | 10:02   | gold
        b  | -     | 10:02   | tin
    """)
    project.run()
    project.has_rejected("""
        id | arrival | plan | reason             | num
        a  | 10:02   | gold | Duplicate event    | 2
        b  | 10:02   | tin  | Missing event time | -
    """)
