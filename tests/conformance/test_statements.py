"""What the text of every statement keeps to; a case's tests follow each other, so that a text is parsed once for all."""

import re

import pytest

from tests.conformance.cases import DAYS, TABLES, Case, cases, sent
from tests.conformance.constructs import OWN_FUNCTIONS, TABLE, constructs
from tests.conformance.test_days import mentions

pytestmark = pytest.mark.xdist_group("statements")

PROVEN = {name for example in TABLE for name in example.proves}
BY_DAY = {
    "touched",
    "ranked_ids",
    "shared_keys",
    "events_next",
    "copies",
    "stage",
    "restated",
    "profile",
    "changes",
    "published_counts",
    "rejected_next",
    "whole_events",
    "whole_rejected",
    "added_events",
    "delta_events",
    "delta_rejected",
    "doctor_day",
}


@pytest.fixture(scope="module", params=cases(), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def test_every_construct_is_proven(case: Case) -> None:
    of_sql = (statement for statement in sent(case) if statement.file != "create_json_text")  # is in another language
    used = {name: f"{statement.file}.sql" for statement in of_sql for name in constructs(statement.tree)}
    unproven = {name: where for name, where in used.items() if name not in PROVEN | OWN_FUNCTIONS}
    assert unproven == {}, "prove it in constructs.py, or write the statement without it"


def test_every_partitioned_table_has_its_days(case: Case) -> None:
    statements = [s for s in sent(case) if s.file.removeprefix("price of ") in BY_DAY]
    assert {s.file for s in statements} >= BY_DAY
    found = [(s.file, mentions(case, s)) for s in statements]
    assert [name for name, tables in found if not tables and not is_of_short_lived(name)] == []


def is_of_short_lived(name: str) -> bool:
    """Whether a statement need not read a table that is partitioned by day."""
    return name.endswith(("rejected_next", "copies", "stage"))


def test_short_lived_tables_are_the_batchs_own(case: Case) -> None:
    own = {TABLES.touched, TABLES.stage, TABLES.judged, TABLES.copies, TABLES.events_next, TABLES.rejected_next}
    assert all(f"{DAYS[0]:%Y%m%d}" in name for name in own)
    for statement in sent(case):
        assert set(re.findall(r"\bstg_\w+", statement.sql)) <= own
