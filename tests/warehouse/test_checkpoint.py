"""The checkpoint beside the end of a run."""

from pathlib import Path

import duckdb

from mixflows.warehouse.duckdb_checkpoint import BackgroundCheckpoint


def test_what_was_written_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE numbers AS FROM range(1000)")
        log = path.with_name("file.duckdb.wal")
        assert log.stat().st_size > 0
        checkpoint = BackgroundCheckpoint(connection)
        checkpoint.begin()
        checkpoint.wait()
        assert not log.exists() or log.stat().st_size == 0


def test_a_file_that_was_there_before_is_checkpointed_too(tmp_path: Path) -> None:
    path = tmp_path / "file.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE numbers AS FROM range(1000)")
    with duckdb.connect(str(path)) as connection:
        reader, writer = connection.cursor(), connection.cursor()
        writer.execute("INSERT INTO numbers FROM range(1000)")
        reader.execute("SELECT count(*) FROM numbers").fetchall()
        checkpoint = BackgroundCheckpoint(connection)
        checkpoint.begin()
        checkpoint.wait()
        log = path.with_name("file.duckdb.wal")
        assert not log.exists() or log.stat().st_size == 0


def test_a_transaction_in_flight_is_left_alone(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "file.duckdb")) as connection:
        connection.execute("CREATE TABLE numbers (n INTEGER)")
        writer = connection.cursor()
        writer.execute("BEGIN")
        writer.execute("INSERT INTO numbers VALUES (1)")
        checkpoint = BackgroundCheckpoint(connection)
        checkpoint.begin()
        writer.execute("COMMIT")
        checkpoint.wait()
        checkpoint.wait()
        assert connection.execute("SELECT n FROM numbers").fetchall() == [(1,)]
