"""Reports of real days get the same projects as `tests/spec`; people's eyes are one browser."""

from collections.abc import Iterator

import pytest

from harness.devtools import Page, page
from tests.spec.conftest import engines, project
from tests.support.browser import QUIET

__all__ = ["engines", "project"]


@pytest.fixture(scope="session")
def reader(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page for the tests of the group `reading`, each of which opens a report of its own in it."""
    with page(browser, QUIET, tmp_path_factory.mktemp("browser")) as opened:
        yield opened
