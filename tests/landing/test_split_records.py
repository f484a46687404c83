"""Records that a line feed splits, fields beside `properties`, and names that compete."""

import json

import pytest

from mixflows.errors import LandingError
from tests.landing.conftest import Shop
from tests.landing.lines import event


@pytest.mark.parametrize("at", ['"d1"', "d1", "view"])
def test_a_record_split_by_a_line_feed_is_joined_and_counted(shop: Shop, at: str) -> None:
    whole = event("b", note="x")
    split = whole.replace(at, at[0] + "\n" + at[1:], 1) if at != '"d1"' else whole.replace(at, "\n" + at, 1)
    landing = shop.land(shop.write(event("a"), split, event("c"), "{"))
    assert (landing.lines, landing.source_rows, landing.malformed_rows, landing.joined_rows) == (5, 3, 1, 1)
    assert shop.events("mp_insert_id", "properties") == [("a", {}), ("b", {"note": "x"}), ("c", {})]


def test_fields_beside_properties_are_kept_or_counted(shop: Shop) -> None:
    line = event("a", plan="pro")[:-1] + ', "plan": "free", "project": {"id": 7}}'
    landing = shop.land(shop.write(line, event("b")))
    assert (landing.source_rows, landing.dropped_fields) == (2, 1)
    assert shop.events("mp_insert_id", "properties") == [("a", {"plan": "pro", "project": {"id": 7}}), ("b", {})]


def test_reserved_names_come_first_and_the_others_stay(shop: Shop) -> None:
    user, pipeline = {"insert_id": "u"}, {"mp_insert_id": "c"}
    lines = [("a", user), (None, {"insert_id": "b"}), (None, pipeline | user)]
    shop.land(shop.write(*(event(own)[:-2] + ", " + json.dumps(others)[1:-1] + "}}" for own, others in lines)))
    assert shop.events("mp_insert_id", "properties") == [
        ("a", {"insert_id": "u"}),
        ("b", {}),
        ("c", {"insert_id": "u"}),
    ]


def test_a_file_that_is_no_export_is_refused_with_its_format(shop: Shop) -> None:
    with pytest.raises(LandingError, match="HTML page"):
        shop.land(shop.write("<!DOCTYPE html>", "<html>"))
    assert shop.is_untouched()
