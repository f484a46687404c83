"""A full disk, or a folder or file that cannot be written: told in a sentence, and nothing is damaged."""

import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.failure.commands import check_told, elsewhere, mixflows
from tests.failure.conftest import Yard
from tests.failure.disks import Disk, read_only, small_disk
from tests.failure.exports import DAYS, first_export, line, write_export
from tests.failure.tables import Days, Tables
from tests.support.command_line import Ended

pytestmark = pytest.mark.xdist_group("no room")

WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""Root without what makes it root: the modes of files and folders hold for it too."""

COMMANDS = {
    "plan": ("plan",),
    "land": ("land", "export1.jsonl", "--again"),
    "backfill": ("backfill", "--mode", "all", "--no-prefect"),
    "run": ("run", "--no-prefect"),
    "status": ("status", "--json"),
    "report": ("report", "--out", "report.html"),
}


Mixflows = Callable[..., Ended]


def big_export() -> list[str]:
    """One day with 4 MB of content that cannot be compressed."""
    noise = random.Random(7)
    return [line(DAYS[0], f"big{n}", minute=n % 1440, noise=noise.randbytes(500).hex()) for n in range(4_000)]


def without_landing(published: tuple[Days, Days]) -> str:
    """Published rows without the instant of their landing."""
    return re.sub(r"loaded_at=\S+ \S+", "", str(published))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Both exports landed and published on a disk with room."""
    yard = Yard(tmp_path_factory.mktemp("expected"))
    yard.land(first_export(), "small")
    yard.land(big_export(), "big")
    assert yard.backfill().exit_code == 0
    return yard.tables()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Disk, Mixflows]]:
    with small_disk(tmp_path_factory.mktemp("small") / "disk", 48) as disk, elsewhere(disk.prefix) as mixflows_there:
        yield disk, mixflows_there


@pytest.mark.parametrize("leave_kib", [0, 1000])
def test_a_full_disk_stops_a_command_which_goes_on_when_there_is_room(
    disk: tuple[Disk, Mixflows], tmp_path: Path, expected: Tables, leave_kib: int
) -> None:
    small = write_export(tmp_path / "small.jsonl", first_export())
    big = write_export(tmp_path / "big.jsonl", big_export())
    room, mixflows_there = disk
    path = room.folder / "yard.duckdb"

    def fails_for_want_of_room(*words: str) -> None:
        room.fill(leave_kib)
        ended = mixflows_there(path, *words, cwd=tmp_path)
        room.free()
        if "1 published, 1 failed" in ended.out:  # there was room for the small day
            assert (ended.code, ended.err) == (1, "")
            assert "No space left on device" in " ".join(ended.out.split())
        else:
            check_told(ended, str(path), "No space left on device", "Free space", "nothing was half-written")

    def succeeds(*words: str) -> None:
        ended = mixflows_there(path, *words, cwd=tmp_path)
        assert (ended.code, ended.err) == (0, "")

    succeeds("land", str(small))
    fails_for_want_of_room("land", str(big))
    succeeds("land", str(big))
    fails_for_want_of_room("backfill", "--no-prefect")
    succeeds("backfill", "--no-prefect")
    room.run(f"mv yard.duckdb '{tmp_path}'")
    after = Yard(tmp_path).tables()
    assert after.source == expected.source
    assert without_landing(after.published) == without_landing(expected.published)
    assert [row[1:] for row in after.landings] == [row[1:] for row in expected.landings]
    assert after.malformed == expected.malformed
    for day in DAYS:
        assert [status for status in after.status_of(str(day)) if status != "failed"] == ["published"]


@pytest.fixture(scope="module")
def read_only_yard(published_once: Yard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Yard, Mixflows]]:
    yard = published_once.copied_to(tmp_path_factory.mktemp("published"))
    with read_only(yard.folder) as disk, elsewhere(disk.prefix) as mixflows_there:
        yield yard, mixflows_there


@pytest.mark.parametrize("words", COMMANDS.values(), ids=list(COMMANDS))
def test_a_read_only_folder(read_only_yard: tuple[Yard, Mixflows], words: tuple[str, ...]) -> None:
    yard, mixflows_there = read_only_yard
    before = yard.path.read_bytes()
    ended = mixflows_there(yard.path, *words)
    check_told(ended, f"{yard.path} cannot be written", "Read-only file system", "fix the folder's rights")
    assert yard.path.read_bytes() == before


def test_a_new_warehouse_in_a_read_only_folder(read_only_yard: tuple[Yard, Mixflows]) -> None:
    yard, mixflows_there = read_only_yard
    before = set(yard.folder.iterdir())
    ended = mixflows_there(yard.folder / "new.duckdb", "land", "export1.jsonl")
    check_told(ended, "new.duckdb cannot be written", "Read-only file system")
    assert set(yard.folder.iterdir()) == before


def test_a_read_only_file(published: Yard) -> None:
    before = published.path.read_bytes()
    with read_only(published.path) as disk, elsewhere(disk.prefix) as mixflows_there:
        ended = mixflows_there(published.path, "status")
    check_told(ended, f"{published.path} cannot be written", "Read-only file system")
    assert published.path.read_bytes() == before


@pytest.fixture(scope="module")
def mixflows_without_rights() -> Iterator[Mixflows]:
    with elsewhere(WITHOUT_RIGHTS) as run:
        yield run


@pytest.mark.parametrize("mode_of", ["folder", "file"])
def test_a_folder_or_file_without_the_right_to_write(
    yard: Yard, mixflows_without_rights: Mixflows, mode_of: str
) -> None:
    land_again = COMMANDS["land"]
    before = yard.path.read_bytes()
    place = yard.folder if mode_of == "folder" else yard.path
    mode = place.stat().st_mode
    place.chmod(mode & ~0o222)
    try:
        ended = mixflows_without_rights(yard.path, *land_again)
    finally:
        place.chmod(mode)
    check_told(ended, f"{yard.path} cannot be written", "Permission denied", "fix the folder's rights")
    assert yard.path.read_bytes() == before
    assert mixflows(yard.path, *land_again).code == 0
    assert len(yard.tables().landings) == 2
