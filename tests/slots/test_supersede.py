"""What one more delivery of a day does to the source and to the published tables."""

from tests.slots.days import DAY, Days, counts, line


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
