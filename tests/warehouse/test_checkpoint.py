"""The checkpoint when the file is closed, and the merging of small row groups."""

from pathlib import Path

import duckdb

from mixflows.settings import Settings
from mixflows.warehouse.duckdb.connection import SESSIONS, close_file, open_file


def settings_at(path: Path) -> Settings:
    return Settings.model_validate({"warehouse": {"path": str(path)}})


def log_bytes(path: Path) -> int:
    log = path.with_name(f"{path.name}.wal")
    return log.stat().st_size if log.exists() else 0


def test_closing_the_file_empties_its_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "mixflows.duckdb"
    for _ in range(2):  # a new file, and one that was there before
        connection = open_file(settings_at(path), must_exist=False)
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)")
        connection.execute("INSERT INTO numbers FROM range(1000)")
        assert log_bytes(path) > 0
        close_file(connection, ["numbers", "not_created"])
        close_file(connection, ["numbers"])
        assert log_bytes(path) == 0
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT COUNT(*) FROM numbers").fetchall() == [(2000,)]


def test_a_transaction_in_flight_is_rolled_back_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "mixflows.duckdb"
    connection = open_file(settings_at(path), must_exist=False)
    connection.execute("CREATE TABLE numbers AS SELECT 1 AS n")
    writer = connection.cursor()
    writer.execute("BEGIN")
    writer.execute("INSERT INTO numbers VALUES (2)")
    close_file(connection, ["numbers"])
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.execute("SELECT n FROM numbers").fetchall() == [(1,)]


def test_one_session_in_nine_merges_small_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "mixflows.duckdb"
    found: list[int] = []
    for _ in range(SESSIONS + 2):
        connection = open_file(settings_at(path), must_exist=False)
        connection.execute("CREATE TABLE IF NOT EXISTS ledger (n INTEGER)")
        connection.execute("CREATE TABLE IF NOT EXISTS events (n INTEGER)")
        connection.execute("INSERT INTO ledger VALUES (1)")
        connection.execute("INSERT INTO events FROM range(1000)")
        close_file(connection, ["ledger"])
        assert row_groups(path, "ledger") == row_groups(path, "events")
        found.append(row_groups(path, "events"))
    assert found == [*range(1, SESSIONS + 1), 1, 2]
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("SELECT COUNT(*), SUM(n) FROM events").fetchall()
    assert rows == [((SESSIONS + 2) * 1000, (SESSIONS + 2) * 499_500)]


def row_groups(path: Path, table: str) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f"SELECT COUNT(DISTINCT row_group_id) FROM pragma_storage_info('{table}')"
        return connection.execute(query).fetchall()[0][0]
