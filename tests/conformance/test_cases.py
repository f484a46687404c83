"""Which settings and kinds of sources occur together in the cases that every statement is read for."""

from itertools import combinations, product

from tests.conformance.cases import CASES

VALUES = {
    "key": ("insert_id_time", "mixpanel", "mixpanel_day"),
    "missing": ("reject", "keep"),
    "deletes": ("block", "keep", "apply"),
    "keep": ("first", "latest"),
    "day": ("column", "bounds", "ingestion", "other", "midnight", "naive"),
    "arrival": ("INT64", "TIMESTAMP", "loaded", "never"),
    "customer": ("customer", "-"),
    "wide": ("wide", "-"),
}
FOUND = [dict(zip(VALUES, line.split(), strict=True)) for line in CASES.strip().splitlines()]
TOO_MANY = [("key", "day"), ("key", "arrival"), ("deletes", "day"), ("deletes", "arrival"), ("day", "arrival")]
"""More pairs than are worth their time; each value has cases with several of the other."""


def has_all(*names: str) -> bool:
    return {tuple(case[name] for name in names) for case in FOUND} == {*product(*(VALUES[name] for name in names))}


def test_every_two_settings_meet() -> None:
    pairs = [pair for pair in combinations(VALUES, 2) if pair not in TOO_MANY]
    assert [pair for pair in pairs if not has_all(*pair)] == []


def test_the_key_of_a_day_meets_every_way_to_find_the_day_and_every_policy() -> None:
    found = [case for case in FOUND if case["key"] == "mixpanel_day"]
    assert {case["day"] for case in found} == {*VALUES["day"]}
    assert {(case["missing"], case["deletes"]) for case in found} == {*product(VALUES["missing"], VALUES["deletes"])}
