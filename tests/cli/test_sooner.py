"""What makes a command answer sooner: what it goes without."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from mixflows.collecting import importing
from tests.cli.installation import Installation

WITHOUT_SQLGLOT = """
import sys
from mixflows.cli import run_command
sys.argv = ["mixflows", "run", "--no-prefect", "--as-of", {day!r}]
print(run_command(), "sqlglot" in sys.modules)
"""
HEARTBEAT = """
from mixflows.cli.running import Runner
runner = Runner(None, None, use_prefect=True, verbose=False, as_json=True)
from prefect.settings import get_current_settings

def flow(**_):
    print(get_current_settings().flows.heartbeat_frequency)
    raise SystemExit

runner._flow(flow)
"""


def printed(script: str, folder: Path, **environment: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=Installation(folder).environment(environment),
    ).stdout.split()


def test_a_later_run_goes_without_sqlglot(landed: Installation, tmp_path: Path) -> None:
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    found = [
        printed(WITHOUT_SQLGLOT.format(day=day), landed.folder, **kept)[-2:] for day in ("2024-01-01", "2024-01-02")
    ]
    assert found == [["0", "True"], ["0", "False"]]


@pytest.mark.parametrize(("set_to", "during"), [(None, "None"), ("30", "30")])
def test_a_flow_of_a_command_sends_heartbeats_where_they_are_asked_for(
    set_to: str | None, during: str, landed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", raising=False)
    asked = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": set_to} if set_to else {}
    assert printed(HEARTBEAT, landed.folder, **asked) == [during]


def test_what_is_imported_is_left_out_of_collections_and_others_go_on() -> None:
    frozen = gc.get_freeze_count()
    try:
        with importing():
            made = [[] for _ in range(1000)]
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() - frozen > len(made)
    finally:
        gc.unfreeze()
