"""No database at `warehouse.path`, or one that is damaged: told in a sentence, and left as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.failure.commands import check_told, mixflows
from tests.failure.conftest import Yard

pytestmark = pytest.mark.xdist_group("no database")

NO_DATABASE = {
    "text": b"no database\n" * 1_000,
    "nothing": b"",
    # DuckDB would look for an extension that reads it, and ask the network for one.
    "a database of SQLite": b"SQLite format 3\0" + bytes(5_000),
}


@pytest.mark.parametrize("content", NO_DATABASE.values(), ids=list(NO_DATABASE))
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mixflows.duckdb"
    path.write_bytes(content)
    check_told(mixflows(path, "status"), f"{path} cannot be read as a DuckDB database", "warehouse.path")
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["mixflows.duckdb"]


@pytest.mark.parametrize("name", ["export.jsonl", "export.json", "export.csv", "export.parquet"])
def test_a_file_that_duckdb_would_read_through_a_view_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content := b'{"a": 1}\n')
    for words in (("status",), ("land", str(path))):
        check_told(mixflows(path, *words), f"{path} cannot be read as a DuckDB database", "warehouse.path")
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == [name]


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_header(content: bytes) -> bytes:
    return content[:4096] + bytes(byte ^ 255 for byte in content[4096:12288]) + content[12288:]


def with_a_hole(content: bytes) -> bytes:
    hole = len(content) // 3
    return content[:hole] + bytes(hole) + content[2 * hole :]


@pytest.mark.parametrize("damage", [cut_in_half, without_header, with_a_hole])
@pytest.mark.parametrize("command", ["status", "backfill --mode all --no-prefect"])
def test_a_damaged_file(tmp_path: Path, published_once: Yard, damage: Callable[[bytes], bytes], command: str) -> None:
    content = damage(published_once.path.read_bytes())
    path = tmp_path / "mixflows.duckdb"
    path.write_bytes(content)
    check_told(mixflows(path, *command.split()), f"{path} cannot be read as a DuckDB database", "put a copy back")
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mixflows.duckdb"
    path.mkdir()
    ended = mixflows(path, "status")
    assert ended.code == 2
    assert f"warehouse.path: '{path}' is a folder" in ended.err


@pytest.mark.parametrize("parent", ["missing", "a-file"])
def test_no_folder_for_the_file(tmp_path: Path, parent: str) -> None:
    (tmp_path / "a-file").touch()
    done = mixflows(tmp_path / parent / "mixflows.duckdb", "status", cwd=tmp_path)
    check_told(done, f"the folder {tmp_path / parent} of warehouse.path is not there", "--config")
    assert [file.name for file in tmp_path.iterdir()] == ["a-file"]
