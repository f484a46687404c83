"""The pages that a newcomer opens first, in a real browser without a network.

The pictures are kept in the folder that SCREENSHOTS names, for people to look at; else in a temporary one.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.server import PrefectServer, eventually

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=15000",
)


@pytest.fixture(scope="module")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        missing = "no Chromium found: install the package `chromium`, or Prefect's pages are not looked at"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("page", ["run", "days", "artifacts", "backfill-form", "automations"])
def test_a_page_shows_what_people_look_for(
    server: PrefectServer, browser: str, pictures: Path, nightly: dict[str, Any], page: str, tmp_path: Path
) -> None:
    path, size, words = {
        "run": (f"/runs/flow-run/{nightly['id']}", "1024,1400", ["Blocked", "Retry", nightly["name"]]),
        "days": (
            f"/artifacts/artifact/{server.artifacts(nightly['id'])['mixflows-days']['id']}",
            "1600,900",
            ["2026-07-11", "blocked", "duplicate rate"],
        ),
        "artifacts": ("/artifacts", "1280,700", ["mixflows-days", "mixflows-summary"]),
        "backfill-form": (
            f"/deployments/deployment/{server.deployment('backfill')['id']}/run",
            "1280,1500",
            ["The first day.", "Only plan.", "Batches in flight"],
        ),
        "automations": ("/automations", "1024,900", ["mixflows: a day is blocked", "mixflows: a run lost its process"]),
    }[page]
    picture = pictures / f"{page}.png"
    more = (f"--user-data-dir={tmp_path}", f"--window-size={size}", f"--screenshot={picture}", "--dump-dom")

    def whole() -> bool:
        """A page that waits for a busy server is looked at again."""
        command = [browser, *QUIET, *more, server.ui + path]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True).stdout
        return all(word in dom for word in words)

    eventually(whole, f"{path} shows {words}")
    assert picture.stat().st_size > 20_000, "an empty page is smaller"
