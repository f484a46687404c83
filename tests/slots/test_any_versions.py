"""Any script of versions of days, in any order, with runs between or not: plain Python comes to the same tables."""

import pytest
from hypothesis import given

from tests.slots.days import Days, counts
from tests.slots.oracle import Source
from tests.slots.versions import SLOTS, Version, check_tables, scripts, superseded
from tests.support.examples import examples

RULES = [
    ("insert_id_time", "first", "reject", None),
    ("insert_id_time", "latest", "keep", "apply"),
    ("mixpanel", "first", "keep", None),
    ("mixpanel", "latest", "reject", None),
    ("mixpanel_day", "first", "reject", "block"),
    ("mixpanel_day", "latest", "keep", "keep"),
]


ON_BIGQUERY = (RULES[1], RULES[3])
"""An example takes many times as long there."""


@pytest.mark.parametrize(
    ("made", "key", "keep", "missing", "deletes"),
    [*(("duckdb", *rules) for rules in RULES), *(("bigquery", *rules) for rules in ON_BIGQUERY)],
    indirect=["made"],
)
def test_plain_python_agrees(made: Days, key: str, keep: str, missing: str, deletes: str | None) -> None:
    days = made
    days.project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": missing, "source_deletes": deletes})

    @examples(3 if days.project.engine.name == "duckdb" else 1)
    @given(scripts(1))
    def holds(script: list[Version]) -> None:
        days.clear()
        source = Source(key, keeps=deletes in (None, "keep"))
        for version in script:
            first, last = SLOTS[version.slot]
            told = days.deliver(*version.lines, first=first, last=last, accept_shrink=[first, last])
            assert counts(told) == superseded(source, version, told.landing.landed_at)
            if version.runs:
                days.run()
        days.run()
        check_tables(days, source, keep, missing)

    holds()
