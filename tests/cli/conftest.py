"""Installations in the states in which users meet the command line."""

from pathlib import Path

import pytest

from tests.support.command_line import Installation, export

SETTINGS = "[quality]\nmin_rows = 10\n"


@pytest.fixture
def empty(tmp_path: Path) -> Installation:
    """A folder with nothing in it."""
    return Installation(tmp_path)


@pytest.fixture(scope="session")
def landed_once(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = Installation(tmp_path_factory.mktemp("landed"))
    place.write("mixflows.toml", SETTINGS)
    place.write("export.jsonl", export(days=5, rows=40, twice={3: 20}))
    place.run("land", "export.jsonl")
    return place


@pytest.fixture(scope="session")
def backfilled_once(landed_once: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = landed_once.copied_to(tmp_path_factory.mktemp("backfilled"))
    place.run("backfill", "--no-prefect", code=3)
    return place


@pytest.fixture
def landed(landed_once: Installation, tmp_path: Path) -> Installation:
    """Five days of 40 events are landed; on the fourth, 20 of them came twice."""
    return landed_once.copied_to(tmp_path)


@pytest.fixture
def backfilled(backfilled_once: Installation, tmp_path: Path) -> Installation:
    """The five days are backfilled; the fourth is blocked."""
    return backfilled_once.copied_to(tmp_path)
