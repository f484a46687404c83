"""The pages that a newcomer opens first, in a real browser without a network.

The pictures are kept in the folder that SCREENSHOTS names, for people to look at; else in a temporary one.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.server import PrefectServer, eventually
from tests.support.browser import QUIET

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]
OFFLINE = (
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=15000",
)


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
        command = [browser, *QUIET, *OFFLINE, *more, server.ui + path]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True).stdout
        return all(word in dom for word in words)

    eventually(whole, f"{path} shows {words}")
    assert picture.stat().st_size > 20_000, "an empty page is smaller"
