"""The comparison behind the benchmarks' column `right`: every way to be wrong is told, and by its own name."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from harness.truth import Wrong, compare, damage

SOURCE = """
CREATE TABLE mp_master_event (mp_insert_id VARCHAR, time TIMESTAMP, mp_processing_time_ms BIGINT);
INSERT INTO mp_master_event VALUES
  ('a', '2024-01-01 10:00', 1), ('a', '2024-01-01 10:00', 2), ('a', '2024-01-01 10:00', 3),
  ('b', '2024-01-01 11:00', 1), ('a', '2024-01-01 12:00', 1), (NULL, '2024-01-01 13:00', 1);
CREATE TABLE mp_events AS SELECT * FROM mp_master_event WHERE mp_insert_id IS NOT NULL AND mp_processing_time_ms = 1;
CREATE TABLE mp_rejected_events AS
  SELECT * FROM mp_master_event WHERE mp_insert_id IS NULL OR mp_processing_time_ms > 1;
"""
"""Three events, of which one was delivered three times, and a row without insert id."""


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "rival.duckdb") as connection:
        connection.execute(SOURCE)
        yield connection


@pytest.mark.parametrize(
    ("change", "expected", "said"),
    [
        ("SELECT 1", Wrong(0, 0, 0, 0), "yes"),
        ("DELETE FROM mp_events WHERE mp_insert_id = 'b'", Wrong(1, 0, 0, 0), "no: 1 events missing"),
        ("DELETE FROM mp_events", Wrong(3, 0, 0, 0), "no: 3 events missing"),
        ("INSERT INTO mp_events SELECT * FROM mp_events", Wrong(0, 3, 0, 0), "no: 3 rows too many"),
        ("INSERT INTO mp_events VALUES (NULL, '2024-01-01 13:00', 1)", Wrong(0, 1, 0, 0), "no: 1 rows too many"),
        ("INSERT INTO mp_events VALUES ('never sent', '2024-01-01', 1)", Wrong(0, 1, 0, 0), "no: 1 rows too many"),
        (
            "UPDATE mp_events SET mp_processing_time_ms = 2 WHERE hour(time) = 10",
            Wrong(0, 0, 1, 0),
            "no: 1 not the first copy",
        ),
        (
            "UPDATE mp_events SET time = '2024-01-02' WHERE mp_insert_id = 'b'",
            Wrong(1, 1, 0, 0),
            "no: 1 events missing, 1 rows too many",
        ),
        ("DELETE FROM mp_rejected_events", Wrong(0, 0, 0, -3), "no: 3 rejected rows too few"),
        (
            "INSERT INTO mp_rejected_events SELECT * FROM mp_rejected_events",
            Wrong(0, 0, 0, 3),
            "no: 3 rejected rows too many",
        ),
    ],
)
def test_says_how_far_the_tables_are_from_the_truth(
    tables: duckdb.DuckDBPyConnection, change: str, expected: Wrong, said: str
) -> None:
    tables.execute(change)
    found = compare(tables.execute)
    assert (found, str(found)) == (expected, said)


PROJECT = """
CREATE TABLE mp_master_event (mp_insert_id VARCHAR, time TIMESTAMP, mp_processing_time_ms BIGINT, partition_date DATE, page VARCHAR);
INSERT INTO mp_master_event VALUES
  ('a', '2024-01-01 10:00', 1, '2024-01-01', 'x'), ('a', '2024-01-01 10:00', 2, '2024-01-01', 'y'),
  ('b', '2024-01-02 11:00', 1, '2024-01-02', NULL);
CREATE TABLE mp_events AS SELECT * FROM mp_master_event WHERE mp_processing_time_ms = 1;
CREATE TABLE mp_rejected_events AS SELECT * FROM mp_master_event WHERE mp_processing_time_ms = 2;
CREATE TABLE mp_partition_runs
  (partition_date DATE, source_rows BIGINT, kept_rows BIGINT, rejected_rows BIGINT, finished_at TIMESTAMP);
INSERT INTO mp_partition_runs VALUES
  ('2024-01-01', 1, 1, 0, '2024-01-02 00:00'), ('2024-01-01', 2, 1, 1, '2024-01-03 00:00'),
  ('2024-01-02', 1, 1, 0, '2024-01-03 00:00');
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "project.duckdb") as connection:
        connection.execute(PROJECT)
        yield connection


def test_a_project_without_damage_has_none(project: duckdb.DuckDBPyConnection) -> None:
    assert damage(project.execute) == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE mp_events SET page = 'z' WHERE mp_insert_id = 'a'", "rows are not as they were delivered"),
        ("UPDATE mp_rejected_events SET page = NULL", "rows are not as they were delivered"),
        ("DELETE FROM mp_events WHERE mp_insert_id = 'b'", "1 events missing"),
        ("UPDATE mp_partition_runs SET kept_rows = 0 WHERE partition_date = '2024-01-02'", "wrong on 1 days"),
        ("DELETE FROM mp_partition_runs WHERE partition_date = '2024-01-02'", "wrong on 1 days"),
        (
            "UPDATE mp_partition_runs SET finished_at = '2024-01-01' WHERE kept_rows = source_rows - 1",
            "wrong on 1 days",
        ),
    ],
)
def test_damage_to_a_project_is_found(project: duckdb.DuckDBPyConnection, change: str, expected: str) -> None:
    project.execute(change)
    assert expected in damage(project.execute)
