"""What counts as a statement that names its days as constants, so that BigQuery reads no others, and what does not."""

from contextlib import nullcontext

import pytest
import sqlglot
from sqlglot import exp

from tests.conformance.cases import DAYS, PROJECT, SOURCE_HOME, Case, Sent, cases, sent
from tests.conformance.days import Days, UnprunedError, check

pytestmark = pytest.mark.xdist_group("days")

PUBLISHED = {f"{PROJECT}.mixpanel.{name}": "partition_date" for name in ("mp_events", "mp_rejected_events")}
DAYS_OF_CASES = Days(DAYS, cases()[0].settings.zone)
DELTA_DAYS = Days(DAYS[-1:], cases()[0].settings.zone)
"""The stage reads the source of these; of the other days, what was written of them."""


def partitioned(case: Case) -> dict[str, str]:
    return PUBLISHED | {f"{SOURCE_HOME}.mp_master_event": case.partitioned_by}


def mentions(case: Case, statement: Sent) -> int:
    if statement.file.removeprefix("price of ") == "stage":
        (of_source,) = [s for s in statement.tree.find_all(exp.Select) if "mp_master_event" in s.args["from_"].sql()]
        return check(of_source, partitioned(case), DELTA_DAYS)
    return check(statement.tree, partitioned(case), DAYS_OF_CASES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM `{e}` AS e",
        "SELECT COUNT(*) FROM `{e}` AS e WHERE e.partition_date = @day",
        "SELECT COUNT(*) FROM `{e}` AS e WHERE e.partition_date = DATE '2026-03-28'",
        "SELECT COUNT(*) FROM `{e}` AS e WHERE e.partition_date = DATE '2026-03-29' OR e.n = 1",
        "SELECT COUNT(*) FROM `{e}` AS e WHERE CAST(e.partition_date AS DATE) = DATE '2026-03-29'",
        "SELECT COUNT(*) FROM `{e}` AS e WHERE e.partition_date = (SELECT MAX(d.day) FROM d)",
        "SELECT COUNT(*) FROM `{e}` AS e JOIN d ON e.partition_date = d.day WHERE d.day = DATE '2026-03-29'",
        "SELECT 1 FROM d LEFT JOIN `{e}` AS e ON e.k = d.k AND e.partition_date = DATE '2026-03-29'",
        "MERGE INTO `{e}` AS t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET k = s.k",
        "MERGE INTO `{e}` AS t USING s ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "MERGE INTO `{e}` AS t USING s ON t.k = 1 WHEN NOT MATCHED BY SOURCE AND t.partition_date = {d} THEN DELETE",
    ],
)
def test_refuses_a_statement_without_it(sql: str) -> None:
    tree = sqlglot.parse_one(sql.format(e=f"{PROJECT}.mixpanel.mp_events", d="DATE '2026-03-29'"), dialect="bigquery")
    with pytest.raises(UnprunedError):
        check(tree, PUBLISHED, Days(DAYS[:1], DAYS_OF_CASES.zone))


THREE = "e.partition_date IN (DATE '2026-03-29', DATE '2026-03-30', DATE '2026-06-01')"
FIRST_TWO = "e.time >= TIMESTAMP '2026-03-28 23:00:00+00:00' AND e.time < TIMESTAMP '2026-03-30 22:00:00+00:00'"
LAST = "e.time >= TIMESTAMP '2026-05-31 22:00:00+00:00' AND e.time < TIMESTAMP '2026-06-01 22:00:00+00:00'"


@pytest.mark.parametrize(
    ("column", "where", "holds"),
    [
        ("partition_date", THREE, True),
        ("partition_date", f"{THREE} AND e.n = 1", True),
        ("partition_date", f"{THREE} OR e.n = 1", False),
        ("partition_date", THREE.replace("06-01", "06-02"), False),
        ("partition_date", THREE.replace(", DATE '2026-06-01'", ""), False),
        ("partition_date", "e.partition_date IN (SELECT d.day FROM d)", False),
        ("partition_date", f"{THREE} AND DATE_TRUNC(e.partition_date, MONTH) = DATE '2026-03-29'", False),
        ("time", f"({FIRST_TWO}) OR ({LAST})", True),
        ("time", FIRST_TWO, False),
        ("time", f"({FIRST_TWO}) OR ({LAST}) OR e.time IS NULL", False),
        ("time", f"({FIRST_TWO}) OR ({LAST.replace('05-31', '05-30')})", False),
    ],
)
def test_all_days_and_no_others_are_named(column: str, where: str, holds: bool) -> None:
    tree = sqlglot.parse_one(f"SELECT 1 FROM `{PROJECT}.mixpanel.mp_events` AS e WHERE {where}", dialect="bigquery")
    with nullcontext() if holds else pytest.raises(UnprunedError):
        assert check(tree, {f"{PROJECT}.mixpanel.mp_events": column}, DAYS_OF_CASES) == 1


@pytest.mark.parametrize("name", ["delta_events", "whole_events"])
def test_refuses_our_own_merge_without_its_days(name: str) -> None:
    (case, merge) = next((c, s) for c in cases() for s in sent(c) if s.file == name)
    broken = Sent(
        merge.file, merge.sql.replace("t.`partition_date` IN (DATE '2026-03-29',", "t.`partition_date` IN (", 1), {}
    )
    assert broken.sql != merge.sql
    with pytest.raises(UnprunedError, match="mp_events"):
        mentions(case, broken)
