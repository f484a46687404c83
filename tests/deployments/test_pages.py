"""The pages that a newcomer opens first, in a real browser without a network.

The pictures are kept in the folder that SCREENSHOTS names, for people to look at; else in a temporary one.
"""

import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.project import Project
from tests.deployments.server import PrefectServer, Process, eventually

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
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


@pytest.fixture(scope="module")
def shown(server: PrefectServer, project: Project, worker: Process) -> dict[str, Any]:
    """A backfill of a month in which one day is blocked and one is flagged."""
    project.land(date(2026, 7, 1), days=9, rows=1500)
    project.land(date(2026, 7, 10), days=1, rows=1500, twice=0.007)
    project.land(date(2026, 7, 11), days=1, rows=1500, twice=0.03)
    run_id = server.start("backfill", start="2026-07-01", end="2026-07-31")
    run = server.ended(run_id)
    assert run["state_name"] == "Blocked", run["state"]["message"]
    eventually(lambda: len(server.messages(run_id)) > 20, "the log arrives")
    return run


def opened(browser: str, url: str, profile: Path, *more: str) -> str:
    command = [browser, *QUIET, f"--user-data-dir={profile}", *more, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("page", ["run", "days", "artifacts", "backfill-form"])
def test_a_page_shows_what_people_look_for(
    server: PrefectServer, browser: str, pictures: Path, shown: dict[str, Any], page: str, tmp_path: Path
) -> None:
    days = server.artifacts(shown["id"])["mixflows-days"]["id"]
    path, size, words = {
        "run": (f"/runs/flow-run/{shown['id']}", "1280,900", ["Blocked", "Retry", shown["name"]]),
        "days": (f"/artifacts/artifact/{days}", "1280,900", ["2026-07-11", "blocked", "duplicate rate"]),
        "artifacts": ("/artifacts", "1280,700", ["mixflows-days", "mixflows-summary", "mixflows-progress"]),
        "backfill-form": (
            f"/deployments/deployment/{server.deployment('backfill')['id']}/run",
            "1280,1500",
            ["The first day.", "Only plan.", "Days in flight"],
        ),
    }[page]
    dom = opened(browser, server.ui + path, tmp_path, "--dump-dom")
    assert [word for word in words if word not in dom] == []
    picture = pictures / f"{page}.png"
    opened(browser, server.ui + path, tmp_path, f"--window-size={size}", f"--screenshot={picture}")
    assert picture.stat().st_size > 20_000, "an empty page is smaller"
