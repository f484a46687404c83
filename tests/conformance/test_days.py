"""In the daily path every partitioned table is read and written with one constant day, so that BigQuery reads no other."""

import pytest
import sqlglot
from sqlglot import exp

from tests.conformance.cases import DAY, DAY_PARAMETERS, PROJECT, SOURCE_HOME, TABLES, Case, Sent, cases, sent
from tests.conformance.days import UnprunedError, check

PUBLISHED = {f"{PROJECT}.mixpanel.{name}": "partition_date" for name in ("mp_events", "mp_rejected_events")}
DAILY = {
    "copies",
    "stage",
    "figures",
    "published_counts",
    "compare",
    "rejected_next",
    "merge_events",
    "rejected_rows",
    "event_rows",
    "doctor_day",
}
BOUNDS = tuple(DAY_PARAMETERS[name].isoformat(sep=" ") for name in ("day_start", "day_end"))


def partitioned(case: Case) -> dict[str, str]:
    by = "_PARTITIONDATE" if case.ingestion_partitioned else "partition_date"
    source = by if case.ingestion_partitioned or by in case.columns else "time"
    return PUBLISHED | {f"{SOURCE_HOME}.mp_master_event": source}


def mentions(case: Case, statement: Sent) -> int:
    return check(statement.tree, partitioned(case), DAY, (BOUNDS[0], BOUNDS[1]))


@pytest.mark.parametrize("case", cases(), ids=str)
def test_every_partitioned_table_has_its_one_day(case: Case) -> None:
    daily = [s for s in sent(case) if s.file.removeprefix("price of ") in DAILY]
    assert {s.file for s in daily} >= DAILY
    found = {s.file: mentions(case, s) for s in daily}
    assert {name for name, tables in found.items() if not tables} <= {"figures"}  # they are counted on the staged day


@pytest.mark.parametrize("case", cases(), ids=str)
def test_short_lived_tables_are_the_days_own(case: Case) -> None:
    own = {TABLES.stage, TABLES.copies, TABLES.rejected_next}
    assert all(f"{DAY:%Y%m%d}" in name for name in own)
    for statement in sent(case):
        assert {t.name.rpartition(".")[2] for t in statement.tree.find_all(exp.Table) if "stg_" in t.sql()} <= own
        assert "__" not in statement.sql.replace("__UNPARTITIONED__", "")


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
        check(tree, PUBLISHED, DAY, (BOUNDS[0], BOUNDS[1]))


def test_refuses_our_own_merge_without_its_day() -> None:
    (case, merge) = next((c, s) for c in cases() for s in sent(c) if s.file == "merge_events")
    broken = Sent(merge.file, merge.sql.replace("t.partition_date = DATE '2026-03-29' AND", ""), {})
    assert broken.sql != merge.sql
    with pytest.raises(UnprunedError, match="mp_events"):
        mentions(case, broken)
