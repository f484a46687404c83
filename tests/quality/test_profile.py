"""What a day's profile counts, on a little table of copies."""

from datetime import timedelta

import pytest

from mixflows.ledger.profiles import DayProfile, read_profiles
from mixflows.profile.profile import Profile, Tally
from tests.spec.engines import KEYS, LANDED
from tests.spec.project import Project
from tests.spec.tables import DAY

COLUMNS = LANDED | {"customer_id": "STRING", "amount": "FLOAT64"}
COPIES = """
event | user | id | time  | arrival   | amount | properties
Open  | u1   | a  | 00:10 | 00:11     | 10     | {"mp_lib": "web", "$os": "iOS", "page": "x"}
Open  | u1   | a  | 00:10 | 00:30     | 10     | {"mp_lib": "web", "$os": "iOS", "page": "x"}
Open  | u1   | a  | 00:10 | +2d 00:10 | 10     | {"mp_lib": "ios", "page": "y"}
Open  | u2   | a  | 09:00 | 09:20     | 1000   | {"page": "z"}
Buy   | u1   | b  | 12:00 | 11:30     | -      | {"page": "z"}
Buy   | -    | c  | 23:59 | +1d 00:01 | 0      | {"page": "z"}
Buy   | u1   | -  | 23:00 | 23:01     | 100    | {"page": "z"}
"""


@pytest.fixture
def delivered(project: Project) -> Project:
    project.set(landing={"promote": {"customer_id": "STRING", "amount": "FLOAT64"}})
    project.create_source(COLUMNS)
    project.deliver(COPIES)
    return project


def profile_of(project: Project) -> Profile:
    return project.look().profile


def test_counts_arrivals_hours_and_names(delivered: Project) -> None:
    found = profile_of(delivered)
    assert found.rows == 7
    assert found.lateness == {0: 5, 1: 1, 2: 1}
    assert found.lags == {0: 3, 1: 2, -2: 1}
    assert found.hours == {0: Tally(3, 2, 1), 9: Tally(1), 12: Tally(1), 23: Tally(2)}
    assert found.events == {"Open": Tally(4, 2, 1), "Buy": Tally(3)}
    assert found.last_event_ms == (24 * 60 - 1) * 60_000
    assert found.types == {column.name: column.type for column in delivered.warehouse.source().columns}


def test_values_of_properties_are_ranked_and_not_named_unless_they_may_be(delivered: Project) -> None:
    delivered.set(quality={"shown_properties": []})
    assert profile_of(delivered).origins == {
        "mp_lib": {"value 1": Tally(0, 1, 1), "value 2": Tally(0, 1, 0)},
        "$os": {"(none)": Tally(0, 1, 1), "value 1": Tally(0, 1, 0)},
    }
    delivered.set(quality={"shown_properties": ["mp_lib"]})
    shown = profile_of(delivered).origins
    assert shown["mp_lib"] == {"web": Tally(0, 1, 0), "ios": Tally(0, 1, 1)}
    assert set(shown["$os"]) == {"value 1", "(none)"}


def test_counts_what_each_key_would_reject_and_where_they_disagree(delivered: Project) -> None:
    found = profile_of(delivered)
    assert found.rejected_by_key == (2, 2, 2)
    assert found.events_by_key == {}
    delivered.deliver("""
        event | user | id | time  | arrival
        Open  | u1   | a  | 00:20 | 00:40
        Close | u1   | b  | 12:00 | 12:20
    """)
    found = profile_of(delivered)
    # By insert id and time, Close is a copy of Buy; within the day, the Open of 00:20 is one of 00:10.
    assert found.rejected_by_key == (3, 2, 3)
    assert found.events_by_key == {"Open": (2, 2, 3), "Close": (1, 0, 0)}


def test_counts_missing_values_and_sizes_but_no_value(delivered: Project) -> None:
    columns = profile_of(delivered).columns
    assert {name: (c.type, c.missing, c.size) for name, c in columns.items()} == {
        "distinct_id": ("STRING", 1, None),
        "customer_id": ("STRING", 7, None),
        "amount": ("FLOAT64", 1, 1.6),
    }


@pytest.mark.parametrize(
    ("engines", "key"), [*(("duckdb", key) for key in KEYS), ("bigquery", "mixpanel")], indirect=["engines"]
)
def test_what_the_chosen_key_rejects_is_what_the_profile_says(delivered: Project, key: str) -> None:
    delivered.deliver("""
        event | user | id | time  | arrival
        Open  | u1   | a  | 00:20 | 00:40
        Close | u1   | b  | 12:00 | 12:20
    """)
    delivered.set(pipeline={"key": key})
    delivered.run()
    (stored,) = read_profiles(delivered.warehouse).values()
    at = KEYS.index(key)
    duplicates = [row for row in delivered.rejected() if row["rejection_reason"] == "Duplicate event"]
    assert stored.profile.rejected_by_key[at] == len(duplicates) == stored.figures.duplicate_rows


def test_is_stored_with_every_run_and_read_back_alike(delivered: Project) -> None:
    staged = profile_of(delivered)
    delivered.run()
    delivered.deliver("id | time | arrival\nz | 10:00 | +1d 10:00")
    delivered.run()
    assert len(delivered.engine.rows("mp_day_profiles")) == 2
    (latest,) = read_profiles(delivered.warehouse).values()
    assert (latest.day, latest.profile.rows, staged.rows) == (DAY, 8, 7)
    assert DayProfile.from_json(DAY, latest.to_json(), latest.run_id) == latest
    assert read_profiles(delivered.warehouse, DAY + timedelta(days=1)) == {}
