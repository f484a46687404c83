"""What BigQuery bills a statement for, told from its text."""

from collections import Counter
from datetime import date

import pytest

from harness.billed import Read, reads

DAY = date(2024, 1, 2)
EVENTS = ("mp_insert_id", "time", "properties", "partition_date")
TABLES = {"mp_events": EVENTS, "stage": (*EVENTS, "row_num")}


def read(table: str, *columns: str, day: date | None = DAY) -> Read:
    return Read(table, frozenset(columns), frozenset({day}) if day else None)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT e.time FROM `p.d.mp_events` AS e WHERE e.partition_date = DATE '2024-01-02' AND e.mp_insert_id != ''",
            [read("mp_events", "time", "mp_insert_id", "partition_date")],
        ),
        ("SELECT COUNT(*) AS n FROM `p.d.mp_events` AS e", [read("mp_events", day=None)]),
        (
            "CREATE OR REPLACE TABLE `p.d.t` OPTIONS (labels = [('a', 'b')]) AS SELECT * FROM d.mp_events",
            [read("mp_events", *EVENTS, day=None)],
        ),
        ("SELECT MAX(s.time) AS t FROM (SELECT * FROM `d`.stage) AS s", [read("stage", "time", day=None)]),
        (
            "WITH w AS (SELECT e.time, e.properties FROM mp_events AS e WHERE e.partition_date = DATE '2024-01-02')"
            " SELECT w.time FROM w UNION ALL SELECT s.time FROM stage AS s",
            [read("mp_events", "time", "partition_date"), read("stage", "time", day=None)],
        ),
        (
            "SELECT s.time FROM stage AS s WHERE NOT EXISTS"
            " (SELECT 1 FROM mp_events AS e WHERE e.partition_date = DATE '2024-01-02' AND e.mp_insert_id = s.mp_insert_id)",
            [read("mp_events", "mp_insert_id", "partition_date"), read("stage", "time", "mp_insert_id", day=None)],
        ),
        ("INSERT INTO mp_events (time) VALUES (NULL)", []),
        ("CREATE VIEW IF NOT EXISTS `p.d.v` AS SELECT e.time FROM `p.d.mp_events` AS e", []),
        ("SELECT 1 AS one FROM `p.d.another` AS a WHERE a.x = 2", []),
    ],
)
def test_columns_and_days_of_a_query(sql: str, expected: list[Read]) -> None:
    assert Counter(reads(sql, TABLES)) == Counter(expected)


MERGE = (
    "MERGE INTO `p.d.mp_events` AS t USING (SELECT s.mp_insert_id, s.time FROM stage AS s WHERE s.row_num = 1) AS s"
    " ON {on} WHEN {when}"
)
ON_A_DAY = "t.partition_date = DATE '2024-01-02' AND t.mp_insert_id = s.mp_insert_id"
STAGE = read("stage", "mp_insert_id", "time", "row_num", day=None)
INSERT = "NOT MATCHED THEN INSERT (mp_insert_id, time) VALUES (s.mp_insert_id, s.time)"


WHOLE_DAY = read("mp_events", *EVENTS)


@pytest.mark.parametrize(
    ("on", "when", "target"),
    [
        (ON_A_DAY, INSERT, [read("mp_events", "partition_date", "mp_insert_id")]),
        (
            ON_A_DAY,
            f"MATCHED THEN UPDATE SET time = s.time WHEN {INSERT}",
            [read("mp_events", "partition_date", "mp_insert_id"), WHOLE_DAY],
        ),
        (
            "t.mp_insert_id = s.mp_insert_id",
            "MATCHED THEN DELETE",
            [read("mp_events", "mp_insert_id", day=None), read("mp_events", *EVENTS, day=None)],
        ),
        (
            "FALSE",
            f"NOT MATCHED BY SOURCE AND t.partition_date = DATE '2024-01-02' THEN DELETE WHEN {INSERT}",
            [read("mp_events", "partition_date"), WHOLE_DAY],
        ),
        (
            "t.partition_date = DATE '2024-01-02' OR t.mp_insert_id = s.mp_insert_id",
            "MATCHED THEN DELETE",
            [read("mp_events", "partition_date", "mp_insert_id", day=None), read("mp_events", *EVENTS, day=None)],
        ),
    ],
)
def test_a_merge_that_changes_rows_is_billed_for_the_whole_of_the_days_besides(
    on: str, when: str, target: list[Read]
) -> None:
    assert Counter(reads(MERGE.format(on=on, when=when), TABLES)) == Counter([STAGE, *target])


def test_days_in_a_list_are_told_apart_from_other_lists() -> None:
    listed = "e.partition_date IN (DATE '2024-01-02', DATE '2024-01-05') AND e.mp_insert_id IN ('a', 'b')"
    (found,) = reads(f"SELECT e.time FROM mp_events AS e WHERE {listed}", TABLES)
    assert found.days == {date(2024, 1, 2), date(2024, 1, 5)}
    (found,) = reads(
        "SELECT e.time FROM mp_events AS e WHERE e.partition_date IN (SELECT s.time FROM stage AS s)", TABLES
    )[:1]
    assert found.days is None


def test_a_day_that_is_reckoned_is_none() -> None:
    reckoned = "e.partition_date = DATE_SUB(DATE '2024-01-02', INTERVAL 1 DAY)"
    (found,) = reads(f"SELECT e.time FROM mp_events AS e WHERE {reckoned}", TABLES)
    assert found.days is None


def test_a_statement_that_is_not_known_here_is_refused() -> None:
    with pytest.raises(ValueError, match="what is billed for"):
        reads("DELETE FROM mp_events WHERE time IS NULL", TABLES)
