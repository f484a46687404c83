"""What makes a command answer sooner: what it goes without."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from mixflows.collecting import importing
from tests.support.command_line import Installation

HEARTBEAT = """
from mixflows.cli.running import Runner
runner = Runner(None, None, use_prefect=True, verbose=False, as_json=True)
from prefect.settings import get_current_settings

def flow(**_):
    print(get_current_settings().flows.heartbeat_frequency)
    raise SystemExit

runner._flow(flow)
"""
BEGUN = """
import sys
from mixflows.cli import ahead
ahead.begin({words!r})
print(*sorted({{"typer", "pydantic", "duckdb", "prefect"}} & set(sys.modules)))
from expectations.elsewhere import judging_process
print(judging_process._process is not None)
"""
WRONG_USAGE = """
import os, sys
from mixflows.cli import main
sys.argv = ["mixflows", "run", "--no-such-flag"]
try:
    main()
except SystemExit:
    from expectations.elsewhere import judging_process
    print(judging_process._process is not None, flush=True)
    os._exit(0)  # and not as the command would
"""
SAME = """
from mixflows.cli import ahead
from mixflows.cli.running import Runner
from expectations.elsewhere import judging_process
ahead.begin(["run"])
begun = judging_process._process.pid
Runner(None, None, use_prefect=False, verbose=False, as_json=True)._begin_judging()
print(judging_process._process.pid == begun)
"""
ENDED = """
from expectations.elsewhere import judging_process
from mixflows.cli.running import Runner
judging_process.begin()
Runner(None, ["warehouse.engine=bigquery", "bigquery.project=p"], use_prefect=False, verbose=False, as_json=True)._begin_judging()
print(judging_process._process is not None)
"""
BIGQUERY = '[warehouse]\nengine = "bigquery"\n'


def printed(script: str, folder: Path, **environment: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=Installation(folder).environment(environment),
    ).stdout.split()


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["backfill", "--start", "2024-01-01"],
        ["run", "--config", "missing.toml"],
        ["run", "--config", "broken.toml"],
        ["run", "--config", "of-bigquery.toml", "--set", "warehouse.engine=duckdb"],
    ],
)
def test_judging_is_begun_before_anything_heavy_is_imported(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mixflows.toml").write_text('[bigquery]\nproject = "p"  # some day, warehouse.engine = "bigquery"\n')
    (tmp_path / "of-bigquery.toml").write_text(BIGQUERY)
    (tmp_path / "broken.toml").write_text("[warehouse\n")
    assert printed(BEGUN.format(words=words), tmp_path) == ["True"]


def test_the_command_begins_it_before_it_reads_its_flags(tmp_path: Path) -> None:
    assert printed(WRONG_USAGE, tmp_path) == ["True"]


def test_the_process_that_was_begun_is_the_one_that_judges(landed: Installation) -> None:
    assert printed(SAME, landed.folder) == ["True"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["status"],
        ["run", "--help"],
        ["backfill", "--dry-run"],
        ["run", "--set", "warehouse.engine=bigquery"],
        ["run", '--set=warehouse.engine = "bigquery"'],
        ["run", "--config", "settings"],
        ["run", "--config=settings"],
    ],
)
def test_judging_is_not_begun_where_it_has_no_use(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "settings").write_text(BIGQUERY)
    assert printed(BEGUN.format(words=words), tmp_path) == ["False"]


def test_nor_where_the_usual_file_or_the_environment_names_bigquery(tmp_path: Path) -> None:
    script = BEGUN.format(words=["run"])
    assert printed(script, tmp_path, MIXFLOWS_WAREHOUSE__ENGINE="bigquery") == ["False"]
    (tmp_path / "mixflows.toml").write_text(BIGQUERY)
    assert printed(script, tmp_path) == ["False"]
    assert printed(script, tmp_path, MIXFLOWS_WAREHOUSE__ENGINE="duckdb") == ["True"]


def test_what_was_begun_in_vain_is_ended(tmp_path: Path) -> None:
    assert printed(ENDED, tmp_path) == ["False"]


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
