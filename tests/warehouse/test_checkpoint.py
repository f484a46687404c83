"""The checkpoint beside the end of a run, and the joining of small row groups."""

from pathlib import Path

import duckdb
import pytest

from mixflows.settings import Settings
from mixflows.warehouse.duckdb.checkpoint import SESSIONS, Checkpoints
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse


def test_what_was_written_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE numbers AS FROM range(1000)")
        log = path.with_name("file.duckdb.wal")
        assert log.stat().st_size > 0
        checkpoints = Checkpoints(connection, ["numbers"])
        checkpoints.begin()
        checkpoints.finish()
        assert not log.exists() or log.stat().st_size == 0


def test_a_file_that_was_there_before_is_checkpointed_too(tmp_path: Path) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE numbers AS FROM range(1000)")
    with duckdb.connect(str(path)) as connection:
        reader, writer = connection.cursor(), connection.cursor()
        writer.execute("INSERT INTO numbers FROM range(1000)")
        reader.execute("SELECT count(*) FROM numbers").fetchall()
        checkpoints = Checkpoints(connection, ["numbers"])
        checkpoints.begin()
        checkpoints.finish()
        log = path.with_name("file.duckdb.wal")
        assert not log.exists() or log.stat().st_size == 0


def test_a_transaction_in_flight_is_left_alone(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "file.duckdb")) as connection:
        connection.execute("CREATE TABLE numbers (n INTEGER)")
        writer = connection.cursor()
        writer.execute("BEGIN")
        writer.execute("INSERT INTO numbers VALUES (1)")
        checkpoints = Checkpoints(connection, ["numbers"])
        checkpoints.begin()
        writer.execute("COMMIT")
        checkpoints.finish()
        checkpoints.finish()
        assert connection.execute("SELECT n FROM numbers").fetchall() == [(1,)]


def row_groups(path: Path, table: str) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f"SELECT COUNT(DISTINCT row_group_id) FROM pragma_storage_info('{table}')"
        return connection.execute(query).fetchall()[0][0]


@pytest.mark.parametrize("settles", [True, False])
def test_row_groups_of_many_sessions_are_joined_at_a_time(tmp_path: Path, settles: bool) -> None:
    path = tmp_path / "mixflows.duckdb"
    settings = Settings.model_validate({"warehouse": {"path": str(path)}})
    found: list[int] = []
    for _ in range(SESSIONS + 2):
        warehouse = DuckDBWarehouse(settings)
        warehouse._execute("CREATE TABLE IF NOT EXISTS mp_partition_runs (n INTEGER)", {})
        warehouse._execute("CREATE TABLE IF NOT EXISTS mp_events (n INTEGER)", {})
        warehouse._execute("INSERT INTO mp_partition_runs VALUES (1)", {})
        warehouse._execute("INSERT INTO mp_events FROM range(1000)", {})
        if settles:
            warehouse.settle()
        warehouse.close()
        assert row_groups(path, "mp_partition_runs") == row_groups(path, "mp_events")
        found.append(row_groups(path, "mp_events"))
    assert found == [*range(1, SESSIONS + 1), 1, 2]
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("SELECT COUNT(*), SUM(n) FROM mp_events").fetchall()
    assert rows == [((SESSIONS + 2) * 1000, (SESSIONS + 2) * 499_500)]
