"""A file that is refused leaves nothing behind."""

import gzip
import os
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from mixflows.errors import AlreadyLandedError, LandingError
from mixflows.intake.content import inspect_file
from mixflows.warehouse.duckdb.landing import land_file
from tests.landing.conftest import LANDED_AT, Shop
from tests.landing.lines import event


def test_the_same_content_is_refused_whatever_its_name_and_packing(shop: Shop) -> None:
    shop.land(shop.write(event("a"), name="monday.jsonl"))
    for name in ("monday.jsonl", "tuesday.jsonl", "monday.jsonl.gz"):
        with pytest.raises(AlreadyLandedError) as refused:
            shop.land(shop.write(event("a"), name=name))
        assert "was landed before, as monday.jsonl on 2026-05-01 at 12:30:00 UTC" in refused.value.message
        assert "--again" in refused.value.hint
    assert shop.landings() == [("monday.jsonl", 1, 1, 0)]


def test_again_lands_the_copies_once_more(shop: Shop) -> None:
    path = shop.write(event("a"))
    later = LANDED_AT + timedelta(hours=1)
    shop.land(path)
    shop.land(path, again=True, landed_at=later)
    assert shop.rows("SELECT mp_insert_id, loaded_at FROM mp_master_event ORDER BY loaded_at") == [
        ("a", LANDED_AT),
        ("a", later),
    ]
    with pytest.raises(AlreadyLandedError, match="13:30:00 UTC"):
        shop.land(path)


def test_two_files_of_one_name_landed_at_one_instant_are_counted_apart(shop: Shop) -> None:
    first = shop.land(shop.write(event("a"), event("b")))
    second = shop.land(shop.write(event("c")))
    assert [rows for _, rows in first.rows_per_day + second.rows_per_day] == [2, 1]


@pytest.mark.parametrize("fault", ["append", "replace", "remove"])
def test_a_file_that_changes_after_its_inspection_is_refused(shop: Shop, fault: str) -> None:
    path = shop.write(event("a"))
    settings = shop.settings()
    content = inspect_file(path, settings.landing)
    if fault == "remove":
        path.unlink()
    elif fault == "append":
        path.write_text(path.read_text() + event("b"))
    else:
        path.write_text(path.read_text().replace('"a"', '"b"'))
        os.utime(path, (1, 1))
    with pytest.raises(LandingError, match=r"changed while it was read|cannot be read"):
        land_file(shop.connection.cursor(), settings, content, again=False, landed_at=LANDED_AT, on_progress=None)
    assert shop.is_untouched()


def test_a_file_that_changes_while_it_is_landed_is_refused(shop: Shop) -> None:
    path = shop.write(*(event(str(i), pad="x" * 300) for i in range(200_000)))
    with pytest.raises(LandingError, match="changed while it was read"):
        shop.land(path, on_progress=lambda _: os.utime(path, (1, 1)))
    assert shop.is_untouched()


def test_a_cursor_lands_the_next_file_after_it_refused_one(shop: Shop) -> None:
    cursor, settings = shop.connection.cursor(), shop.settings()
    wrong, right = shop.write(event("a", time=1e12), "x"), shop.write(event("b"), name="right.jsonl")
    with pytest.raises(LandingError):
        land_file(cursor, settings, inspect_file(wrong), again=False, landed_at=LANDED_AT, on_progress=None)
    land_file(cursor, settings, inspect_file(right), again=False, landed_at=LANDED_AT, on_progress=None)
    assert (shop.events("mp_insert_id"), shop.malformed()) == ([("b",)], [])


def test_a_file_inspected_with_other_settings_is_a_mistake_of_the_caller(shop: Shop) -> None:
    content = inspect_file(shop.write(event("a")))
    settings = shop.settings(landing={"time_unit": "ms"})
    with pytest.raises(ValueError, match="other settings"):
        land_file(shop.connection.cursor(), settings, content, again=False, landed_at=LANDED_AT, on_progress=None)


def test_progress_is_told_as_a_share_and_ends_at_one(shop: Shop) -> None:
    shares: list[float] = []
    shop.land(shop.write(*(event(str(i), pad="x" * 200) for i in range(50_000))), on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)


def test_gzip_that_is_padded_with_zeros_lands_like_any_other(shop: Shop) -> None:
    path = shop.folder / "export.jsonl.gz"
    path.write_bytes(gzip.compress((event("a") + "\n").encode()) + b"\0" * 512)  # padded, as tapes do
    landing = shop.land(path)
    assert (landing.source_rows, shop.events("mp_insert_id")) == (1, [("a",)])


FULL_DISK = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from mixflows.errors import WarehouseFullError
from mixflows.intake.content import inspect_file
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

folder = Path(sys.argv[1])
settings = Settings.model_validate({"warehouse": {"path": folder / "shop.duckdb"}})
warehouse = DuckDBWarehouse(settings)
warehouse.create_tables()
small, big = (inspect_file(folder / name, settings.landing) for name in ("small.jsonl", "big.jsonl"))
warehouse.land(small, again=False, landed_at=datetime.now(UTC))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))
try:
    warehouse.land(big, again=False, landed_at=datetime.now(UTC))
except WarehouseFullError as err:
    print(err.message)
"""


def test_a_full_disk_leaves_what_was_landed_before(tmp_path: Path) -> None:
    (tmp_path / "small.jsonl").write_text(event("a"))
    noise = os.urandom(20_000_000).hex()
    (tmp_path / "big.jsonl").write_text(
        "\n".join(event(str(i), noise=noise[i * 400 : i * 400 + 400]) for i in range(100_000))
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "shop.duckdb" in done.stdout, done.stderr
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        assert connection.execute("SELECT mp_insert_id, source_file FROM mp_master_event").fetchall() == [
            ("a", "small.jsonl")
        ]
        assert connection.execute("SELECT file_name FROM mp_landings").fetchall() == [("small.jsonl",)]
        assert connection.execute("SELECT count(*) FROM mp_malformed_records").fetchall() == [(0,)]


def test_landed_at_is_kept_to_the_microsecond_in_utc(shop: Shop) -> None:
    instant = datetime(2026, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    shop.land(shop.write(event("a"), "x"), landed_at=instant)
    for table, column in (
        ("mp_master_event", "loaded_at"),
        ("mp_landings", "landed_at"),
        ("mp_malformed_records", "landed_at"),
    ):
        assert shop.rows(f"SELECT {column} FROM {table}") == [(instant,)]
