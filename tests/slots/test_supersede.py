"""What one more delivery of a day does to the source and to the published tables."""

import json
from datetime import date, timedelta

import pytest

from mixflows.errors import LandingError, ShrunkError, UsageError
from mixflows.pipeline.land import land_one
from mixflows.pipeline.totals import read_totals
from tests.slots.days import DAY, Days, at, counts, event, line
from tests.spec.engines import KEYS

NEXT = DAY + timedelta(days=1)


def users(days: Days, table: str = "events") -> dict[str, str]:
    return {row["mp_insert_id"]: row["distinct_id"] for row in days.rows(table)}


def test_a_newer_delivery_supersedes_its_day(days: Days) -> None:
    same, restated, gone, new = line("same"), line("restated"), line("gone"), line("new")
    first = days.deliver(same, restated, gone)
    assert (first.status, counts(first), first.days) == ("landed", {"new": 3}, (DAY,))
    days.run()

    merged = line("restated", user="merged")
    second = days.deliver(new, merged, same)
    assert counts(second) == {"same": 1, "restated": 1, "new": 1, "gone": 1}
    days.run()
    assert users(days) == {"same": "u1", "restated": "merged", "new": "u1", "gone": "u1"}
    assert {row["mp_insert_id"]: row["gone_since"] is not None for row in days.rows("source")} == {
        "same": False, "restated": False, "new": False, "gone": True,
    }  # fmt: skip

    third = days.deliver(same, merged, gone)
    assert counts(third) == {"same": 2, "back": 1, "gone": 1}
    days.run()
    assert len(days.rows("events")) == 4
    assert "gone_since" not in days.rows("events")[0]


def test_an_unchanged_day_writes_nothing(days: Days) -> None:
    lines = [line("a", nested={"b": 1, "c": 2}), line("a", arrived_s=61), "no event"]
    days.deliver(*lines)
    days.run()
    before = {table: days.rows(table) for table in ("source", "malformed", "landings")}
    for order in (lines, lines[::-1], [line("a", nested={"c": 2, "b": 1}), *lines[1:]]):
        again = days.deliver(*order)
        assert (again.status, counts(again), again.malformed, again.days) == ("unchanged", {"same": 2}, 1, ())
    assert {table: days.rows(table) for table in before} == before
    assert days.project.planned() == {}


@pytest.mark.parametrize(
    ("made", "key"), [*(("duckdb", key) for key in KEYS), ("bigquery", "insert_id_time")], indirect=["made"]
)
def test_compaction_and_re_keying_together_publish_the_live_identity(days: Days, key: str) -> None:
    """The compacted copy arrived first: it would win by its arrival, and be an event of its own under its old identity."""
    days.project.set(pipeline={"key": key})
    days.deliver(line("a", arrived_s=60), line("a", arrived_s=120), line("b"))
    days.run()
    assert counts(days.deliver(line("a", arrived_s=120, user="merged"), line("b"))) == {
        "same": 1,
        "restated": 1,
        "gone": 1,
    }
    days.run()
    assert users(days) == {"a": "merged", "b": "u1"}
    assert len(days.rows("rejected")) == 1


def test_an_event_that_is_gone_stays_beside_another_person_s_of_the_same_key_but_for_the_person(days: Days) -> None:
    days.project.set(pipeline={"key": "mixpanel"})
    days.deliver(line("a", user="u1"), line("a", arrived_s=61, user="u2"))
    days.deliver(line("a", arrived_s=61, user="u2"))
    days.run()
    assert sorted(row["distinct_id"] for row in days.rows("events")) == ["u1", "u2"]


def test_further_deliveries_of_a_day_leave_its_malformed_lines_and_totals_as_they_were(days: Days) -> None:
    days.deliver(line("a"), "no event", "[1]", "no event")
    days.run()
    before = read_totals(days.project.warehouse, days.project.settings), days.rows("malformed")
    for _ in range(3):
        days.deliver("no event", line("a"), "no event", "[1]")
    assert (read_totals(days.project.warehouse, days.project.settings), days.rows("malformed")) == before
    days.deliver("no event", line("a"))
    assert [row["raw_line"] for row in days.rows("malformed")] == ["no event"]


def test_malformed_lines_of_ranges_and_days_that_overlap_are_there_once(days: Days) -> None:
    days.deliver(line("a"), "of the first", event("b", at("10:00:00", NEXT)), "of the next", last=NEXT)
    days.deliver(line("a"), "of the first")
    assert sorted(row["raw_line"] for row in days.rows("malformed")) == ["of the first", "of the next"]
    days.deliver(line("a"), event("b", at("10:00:00", NEXT)), "of the next", last=NEXT)
    assert [row["raw_line"] for row in days.rows("malformed")] == ["of the next"]


def test_rows_that_were_landed_from_a_file_are_adopted(days: Days) -> None:
    project = days.project
    old = days.file([line("a"), line("b"), "no event", "in no export any more"], "old.jsonl")
    land_one(project.warehouse, project.settings, old, again=False)
    two_days = days.file([event("c", at("10:00:00", NEXT)), event("d", at("10:00:00")), "of two days"], "two.jsonl")
    land_one(project.warehouse, project.settings, two_days, again=False)
    days.run()
    first = days.deliver(line("b"), line("a", user="merged"), event("d", at("10:00:00")), "no event")
    assert counts(first) == {"same": 2, "restated": 1}
    assert sorted(row["raw_line"] for row in days.rows("malformed")) == ["no event", "of two days"]
    assert read_totals(project.warehouse, project.settings).holds
    days.run()
    assert users(days) == {"a": "merged", "b": "u1", "c": "u1", "d": "u1"}
    assert {row["source_file"] for row in days.rows("source")} == {"old.jsonl", "two.jsonl", first.slot}


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)], ids=["23 hours", "25 hours"])
def test_a_day_of_utc_touches_two_days_of_the_project(days: Days, day: date) -> None:
    days.project.set(project_timezone="America/Los_Angeles")
    start = at("00:00:00", day)
    hours = [start + timedelta(minutes=59 * n) for n in range(24)] + [start + timedelta(days=1, seconds=-1)]
    first = days.deliver(*(event(f"{n}", hour) for n, hour in enumerate(hours)), first=day)
    assert first.days == (day - timedelta(days=1), day)
    merged = days.deliver(*(event(f"{n}", hour, user="merged") for n, hour in enumerate(hours)), first=day)
    assert (merged.days, counts(merged)) == ((day - timedelta(days=1), day), {"restated": 25})
    for outside in (start - timedelta(seconds=1), start + timedelta(days=1)):
        with pytest.raises(LandingError, match="outside"):
            days.deliver(event("x", outside), first=day)


def test_times_in_another_unit_are_refused(days: Days) -> None:
    days.deliver(*(line(f"{n}") for n in range(20)))
    before = days.rows("source")
    lines = [json.loads(line(f"{n}")) for n in range(20)]
    for n, read in enumerate(lines):
        read["properties"]["time"] = read["properties"]["time"] * 1000 + n
    for unit, told in (("s", "cannot count"), ("ms", "counts its times in ms")):
        days.project.set(landing={"time_unit": unit})
        with pytest.raises(UsageError, match=told):
            days.deliver(*map(json.dumps, lines))
    assert days.rows("source") == before


def test_a_day_that_lost_events_is_refused_unless_that_is_accepted(days: Days) -> None:
    lines = [line(f"{n}") for n in range(1, 30)]
    days.deliver(*lines)
    before = days.rows("source")
    for left in (lines[10:], []):
        with pytest.raises(ShrunkError) as refused:
            days.deliver(*left)
        assert (refused.value.days, days.rows("source")) == ((DAY,), before)
    assert counts(days.deliver(*lines[9:])) == {"same": 20, "gone": 9}
    assert counts(days.deliver(accept_shrink=[DAY])) == {"gone": 20}
    days.run()
    assert len(days.rows("events")) == 29
    assert days.deliver().status == "unchanged"


def test_a_delivery_that_writes_no_row_adds_no_column(days: Days) -> None:
    """The file came first, and then a setting that makes a column of a property."""
    lines = [line(f"a{n}", plan="pro") for n in range(20)]
    days.project.set(landing={"promote": {}})
    land_one(days.project.warehouse, days.project.settings, days.file(lines), again=False)
    columns = list(days.rows("source")[0])
    days.project.set(landing={"promote": {"plan": "STRING"}})
    with pytest.raises(ShrunkError):
        days.deliver(*lines[:1])
    assert list(days.rows("source")[0]) == columns
    days.project.set(landing={"promote": {}})
    assert days.deliver(*lines).status == "landed"
    columns = list(days.rows("source")[0])
    assert columns[-1] == "gone_since"
    days.project.set(landing={"promote": {"plan": "STRING"}})
    assert days.deliver(*lines).status == "unchanged"
    assert list(days.rows("source")[0]) == columns
    assert counts(days.deliver(*lines, line("new", plan="free"))) == {"same": 20, "new": 1}
    assert list(days.rows("source")[0]) == [*columns, "plan"]
    days.project.set(landing={"promote": {"customer_id": "STRING"}})


def test_copies_of_an_event_that_is_still_there_are_no_loss(days: Days) -> None:
    copies = [line("a", arrived_s=60 + n) for n in range(50)]
    days.deliver(*copies)
    assert counts(days.deliver(copies[7])) == {"same": 1, "gone": 49}


@pytest.mark.parametrize("stays", [1, 2])
def test_a_restated_copy_is_the_live_one_of_those_that_only_their_content_tells_apart(days: Days, stays: int) -> None:
    days.deliver(line("a", n=1), line("a", n=2))
    assert counts(days.deliver(line("a", n=stays))) == {"same": 1, "gone": 1}
    assert counts(days.deliver(line("a", n=3))) == {"restated": 1}
    assert counts(days.deliver(line("a", n=3), line("a", n=3 - stays))) == {"same": 1, "back": 1}


@pytest.mark.parametrize("missing", [1, 2, 3])
@pytest.mark.parametrize("promote", [{}, {"n": "INT64"}], ids=["in properties", "in a column"])
def test_the_copy_that_is_gone_is_the_one_whose_content_is_missing_also_after_an_identity_merge(
    days: Days, promote: dict[str, str], missing: int
) -> None:
    days.project.set(landing={"promote": {}})
    days.deliver(*(line("a", n=n, m={"x": 1, "y": n}) for n in (1, 2, 3)))
    days.project.set(landing={"promote": promote})
    merged = [line("a", user="merged", m={"y": n, "x": 1}, n=n) for n in (1, 2, 3) if n != missing]
    assert counts(days.deliver(*merged)) == {"restated": 2, "gone": 1}
    found = {
        row.get("n") or json.loads(row["properties"])["n"]: (row["distinct_id"], row["gone_since"] is not None)
        for row in days.rows("source")
    }
    assert found == {n: ("u1", True) if n == missing else ("merged", False) for n in (1, 2, 3)}
    days.project.set(landing={"promote": {"customer_id": "STRING"}})


def test_a_day_that_comes_back_empty_is_refused_however_few_rows_it_had(days: Days) -> None:
    days.deliver(line("a"))
    with pytest.raises(ShrunkError):
        days.deliver()
    assert days.deliver(first=NEXT).status == "landed"  # a day that was never delivered, without events


def test_the_figures_tell_events_that_are_gone_from_copies_that_are(days: Days) -> None:
    days.deliver(line("a"), line("b", arrived_s=60), line("b", arrived_s=61))
    days.deliver(line("b", arrived_s=61))
    figures = days.project.look().figures
    assert (figures.source_rows, figures.retained_rows, figures.gone_events) == (1, 2, 1)
    assert (figures.kept_rows, figures.rejected_rows, figures.duplicate_rows) == (2, 1, 0)


def test_a_source_has_one_feed_and_files_may_become_mixpanel_s(days: Days) -> None:
    project = days.project
    days.deliver(line("a"), feed="files")
    days.deliver(line("a"), feed="mixpanel", first=DAY, last=NEXT)
    before = days.rows("source"), days.rows("landings")
    with pytest.raises(UsageError, match="is fed from Mixpanel"):
        days.deliver(line("b"), feed="files")
    with pytest.raises(UsageError, match="is fed from Mixpanel"):
        land_one(project.warehouse, project.settings, days.file([line("b")], "b.jsonl"), again=False)
    project.set(source={"feed": "table"})
    with pytest.raises(UsageError, match="another program writes"):
        days.deliver(line("b"))
    assert (days.rows("source"), days.rows("landings")) == before


def test_a_source_in_another_time_zone_is_dated_anew_first(days: Days) -> None:
    days.deliver(line("a"))
    days.project.set(project_timezone="Asia/Tokyo")
    with pytest.raises(UsageError, match="another time zone"):
        days.deliver(line("a"), line("b"))
