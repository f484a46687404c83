"""The wheel holds everything that the program reads at run time, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.rules.repository import repository_files

pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).parents[2]
ROOMS = ("mixflows", "flows", "tasks", "expectations", "deployments")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("mixpanel_flows-*.whl")
    return zipfile.ZipFile(built)


def test_every_file_of_the_rooms_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    ours = {path.relative_to(ROOT).as_posix() for path in repository_files(ROOT)}
    expected = {file for file in ours if file.split("/", 1)[0] in ROOMS}
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == expected


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "mixflows = mixflows.cli:main" in wheel.read(name).decode()
