"""A full disk, a folder or file that cannot be written, a file that is no database: told in a sentence, nothing damaged."""

import os
import random
from pathlib import Path

import pytest

from tests.failure.commands import check_told, mixflows
from tests.failure.conftest import Yard
from tests.failure.disks import Disk, read_only, small_disk
from tests.failure.exports import DAYS, first_export, line, write_export

WRITING = {
    "init": ("init",),
    "land": ("land", "export.jsonl"),
    "plan": ("plan",),
    "backfill": ("backfill", "--no-prefect"),
    "run": ("run", "--no-prefect"),
    "status": ("status",),
    "report": ("report",),
}


def big_export() -> list[str]:
    """First export, with 4 MB of content that cannot be compressed."""
    noise = random.Random(7)
    return [*first_export(), *(line(DAYS[0], f"big{n}", minute=n % 1440, noise=noise.randbytes(500).hex()) for n in range(4_000))]


@pytest.mark.parametrize("leave_kib", [0, 300, 1500])
def test_a_full_disk(tmp_path: Path, leave_kib: int) -> None:
    with small_disk(tmp_path / "disk", 40) as disk:
        path = disk.folder / "yard.duckdb"
        small = write_export(tmp_path / "small.jsonl", first_export())
        big = write_export(tmp_path / "big.jsonl", big_export())
        expected = published(tmp_path, first_export(), big_export())

        def run(*words: str, code: int | None = 0) -> None:
            done = mixflows(path, *words, prefix=disk.prefix, cwd=tmp_path)
            print(leave_kib, words, done.returncode, done.stderr, done.stdout)
            if code is None:
                check_told(done, "disk")
            else:
                assert done.returncode == code, done.stderr
                assert done.stderr == ""

        run("land", str(small))
        disk.fill(leave_kib)
        run("land", str(big), code=None)
        disk.free()
        run("land", str(big))
        disk.fill(leave_kib)
        run("backfill", "--no-prefect", code=None)
        disk.free()
        run("backfill", "--no-prefect")
        (tmp_path / "copy").mkdir()
        disk.run(f"cp yard.duckdb {tmp_path}/copy/yard.duckdb")
    after = Yard(tmp_path / "copy").tables()
    assert after.source == expected.source
    assert after.published == expected.published
    assert [status for *_, status in after.ledger if status != "failed"] == ["published", "published"]


def published(tmp_path: Path, *exports: list[str]):
    (tmp_path / "expected").mkdir()
    yard = Yard(tmp_path / "expected")
    for lines, name in zip(exports, ("small", "big"), strict=True):
        yard.land(lines, name)
    yard.backfill()
    return yard.tables()
