"""Files of the real stream, damaged and wrapped at random: each is landed with every line counted, or refused whole."""

import gzip
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import pytest

from mixflows.errors import LandingError
from mixflows.intake.landing import Landing
from mixflows.pipeline.land import land_one
from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.base import Warehouse
from tests.landing.mutations import mutated
from tests.support.examples import EXAMPLES_IN_CI

pytestmark = pytest.mark.xdist_group("fuzzed")

FILES = 100
PARTS = 2
NAMES = ("export.jsonl", "export.jsonl.gz", "export.json", "export", "export.parquet")
MAX_LINE_BYTES = 65_536

Counts = tuple[int, int, int, int]


class Fuzzed:
    """A warehouse that damaged files are landed in, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = Settings.model_validate({
            "warehouse": {"path": folder / "fuzzed.duckdb"},
            "landing": {"max_line_bytes": MAX_LINE_BYTES, "promote": {"$os": "STRING", "repo": "STRING"}},
        })  # fmt: skip
        self._warehouse: Warehouse = open_warehouse(self._settings)
        self._warehouse.create_tables()
        self._land("first", b'{"event":"a","properties":{"time":1722470400}}\n', allow_malformed=False)
        self._warehouse.create_tables()  # the published ones, now that there is a source

    def holds(self, seed: int, content: bytes) -> None:
        """Lands a file, and compares what the landing says with the tables and with the file."""
        chance = Random(-seed)
        before = self._counts()
        landing = self._land(chance.choice(NAMES), content, allow_malformed=chance.random() < 0.3)
        if isinstance(landing, LandingError):
            assert "\n" not in landing.message
            assert landing.hint
            assert "Please report this" not in landing.hint, "the product itself found that its counts do not agree"
            assert self._counts() == before
            return
        assert landing.lines == landing.source_rows + landing.malformed_rows + landing.joined_rows
        assert landing.lines == lines_in(content)
        assert sum(rows for _, rows in landing.rows_per_day) == landing.source_rows
        told = (landing.source_rows, landing.malformed_rows, landing.lines - landing.joined_rows, 1)
        assert self._counts() == tuple(map(sum, zip(before, told, strict=True)))

    def _land(self, name: str, content: bytes, *, allow_malformed: bool) -> Landing | LandingError:
        path = self._folder / name
        path.write_bytes(content)
        try:
            return land_one(self._warehouse, self._settings, path, again=True, allow_malformed=allow_malformed)
        except LandingError as refused:
            return refused

    def _counts(self) -> Counts:
        (tables,), (log,) = self._warehouse.query("table_totals"), self._warehouse.query("report_landings")
        return tables["source_rows"], tables["malformed_rows"], int(log["lines"]), log["files"]


def lines_in(content: bytes) -> int:
    """Lines that are not blank, of a file or of what is packed in it."""
    with suppress(gzip.BadGzipFile):
        content = gzip.decompress(content)
    return sum(bool(line.strip()) for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    yield Fuzzed(tmp_path_factory.mktemp("fuzzed"))
    close_warehouses()


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_is_counted_or_refused(part: int, fuzzed: Fuzzed, real_stream: Path) -> None:
    with gzip.open(real_stream, "rb") as file:
        lines = [file.readline().rstrip(b"\n") for _ in range(20_000)]
    files = FILES * hypothesis.settings.default.max_examples // EXAMPLES_IN_CI
    wrong: dict[int, Any] = {}
    for seed in range(part, files, PARTS):
        try:
            fuzzed.holds(seed, mutated(seed, lines))
        except Exception as err:  # noqa: BLE001 - whatever it is, the seed tells it again
            wrong[seed] = repr(err)[:500]
    assert not wrong, wrong
