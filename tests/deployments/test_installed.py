"""The wheel, installed into an environment of its own: the README's commands, `serve` and the deployments run outside the checkout."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.deployments.conftest import start_worker
from tests.deployments.project import Project
from tests.deployments.server import ROOT, PrefectServer, Process, eventually, ran
from tests.support.documents import command_lines, section

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("installed"), pytest.mark.timeout(1200)]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = ("mixflows", "flows", "tasks", "expectations", "deployments")


@dataclass(frozen=True)
class Environment:
    """An environment that has the wheel and what it needs, and nothing of the checkout."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def mixflows(self) -> str:
        return str(self.folder / "bin" / "mixflows")

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        return {**os.environ, "PYTHONPATH": "", "PATH": path, **(more or {})}

    def run(self, *words: str, folder: Path, code: int = 0, more: Mapping[str, str] | None = None) -> str:
        """Runs `mixflows`; returns what it prints."""
        done = subprocess.run(
            [self.mixflows, *words], env=self.variables(more), cwd=folder,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("installed")
    environment = Environment(folder / "venv")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    ran(build, environment.variables(), ROOT)
    (wheel,) = folder.glob("*.whl")
    ran([sys.executable, "-m", "venv", str(environment.folder)], environment.variables(), folder)
    pip = [environment.python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    ran(install, environment.variables(), folder, seconds=900)
    ran([*pip, "check"], environment.variables(), folder)
    return environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("outside"))


@pytest.fixture(scope="module")
def server(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The server of the new environment: it fails first where its libraries do not fit each other."""
    started = PrefectServer(tmp_path_factory.mktemp("prefect-installed"), installed.python, "")
    yield started
    started.stop()


def test_everything_is_imported_from_the_environment(installed: Environment, tmp_path: Path) -> None:
    program = f"import importlib\nfor name in {ROOMS}: print(importlib.import_module(name).__file__)"
    for found in ran([installed.python, "-c", program], installed.variables(), tmp_path).split():
        assert Path(found).is_relative_to(installed.folder)
    assert installed.run("--help", folder=tmp_path).startswith("Usage: mixflows ")
    assert installed.run("--version", folder=tmp_path).startswith("mixflows ")
    assert "expectations" in ran([installed.python, "-m", "mixflows", "--help"], installed.variables(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_readmes_quick_start_runs(installed: Environment, tmp_path: Path) -> None:
    """By default the demo ends yesterday, so that a run without `--as-of` finds nothing to do."""
    demo = installed.run("demo", "--no-prefect", folder=tmp_path)
    assert demo.count(" agree") == 7
    for words in command_lines(section(README, "Quick start")):
        shown = installed.run(*words, folder=tmp_path / "mixflows-demo", code=3 if words[0] == "run" else 0)
        assert shown.startswith("Nothing to do") == (words[0] == "run")


def test_the_readmes_commands_for_ones_own_events_run(
    installed: Environment, server: PrefectServer, tmp_path: Path
) -> None:
    (tmp_path / "exports").mkdir()
    project = Project(tmp_path)
    project.write_export("exports/july.jsonl", [date(2026, 7, 1), date(2026, 7, 2)], rows=20)
    for words in command_lines(section(README, "Your own events")):
        if words[0] != "serve":
            installed.run(*words, folder=tmp_path, more=server.env)
    assert project.published([date(2026, 7, 1), date(2026, 7, 2)]) == {date(2026, 7, 1): 20, date(2026, 7, 2): 20}
    assert (tmp_path / "report.html").is_file()


def test_it_serves(installed: Environment, server: PrefectServer, project: Project) -> None:
    serving = Process([installed.mixflows, "serve"], server.env, project.folder, server.folder / "serve.log")
    try:
        eventually(lambda: server.api.get("/deployments/name/land/land").is_success, "land is served")
        project.write_export("served.jsonl", [date(2026, 8, 1)], rows=20)
        run = server.ended(server.start("land", files=["served.jsonl"]), seconds=120)
        assert run["state"]["message"] == "1 file, 20 source rows"
    finally:
        serving.stop(signal.SIGINT)


def test_a_worker_runs_what_is_deployed(installed: Environment, server: PrefectServer, project: Project) -> None:
    place = [installed.python, "-c", "import deployments; print(*deployments.__path__)"]
    file = Path(ran(place, installed.variables(), project.folder).strip()) / "prefect.yaml"
    server.cli("work-pool", "create", "mixflows", "--type", "process", folder=project.folder)
    server.cli("deploy", "--prefect-file", str(file), "--all", folder=project.folder)
    day = date(2026, 8, 2)
    project.land([day], rows=20)
    worker = start_worker(server, project.folder, "installed")
    try:
        run = server.ended(server.start("daily"), seconds=120)
        assert (run["state_name"], project.published([day])) == ("Completed", {day: 20})
    finally:
        worker.stop()
