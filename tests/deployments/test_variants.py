"""The blocks that docs/operations.md gives for Docker and Cloud Run are accepted by a server, word for word."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.serve import PREFECT_FILE
from tests.deployments.project import Project
from tests.deployments.server import ROOT, PrefectServer

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("pool_type", ["docker", "cloud-run-v2"])
def test_a_documented_place_can_be_deployed_to(
    server: PrefectServer, project: Project, pool_type: str, tmp_path: Path
) -> None:
    name = {"docker": "mixflows-docker", "cloud-run-v2": "mixflows-cloud-run"}[pool_type]
    (place,) = [yaml.safe_load(b)["place"] for b in BLOCKS if f"name: {name}\n" in b]
    (pull,) = [yaml.safe_load(b)["pull"] for b in BLOCKS if b.startswith("pull:")]
    server.cli("work-pool", "create", name, "--type", pool_type, folder=project.folder)
    known = server.api.get(f"/work_pools/{name}").json()["base_job_template"]["variables"]["properties"]
    assert set(place["job_variables"]) <= set(known)

    (daily,) = [e for e in yaml.safe_load(PREFECT_FILE.read_text())["deployments"] if e["name"] == "daily"]
    daily |= {"name": f"daily-{name}", "work_pool": place, "schedules": []}
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump({"pull": pull, "deployments": [daily]}))
    server.cli("deploy", "--prefect-file", str(file), "--all", folder=project.folder)
    held: dict[str, Any] = server.api.get(f"/deployments/name/daily/daily-{name}").json()
    assert held["job_variables"] == place["job_variables"]
    assert held["pull_steps"] == pull
    server.api.delete(f"/deployments/{held['id']}").raise_for_status()


def test_the_image_copies_every_room_of_the_wheel() -> None:
    """The Dockerfile cannot be built without a Docker daemon; what it copies can be compared with what exists."""
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "deployments/Dockerfile").read_text(), re.MULTILINE)
    sources = {word for line in copied for word in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    assert {"mixflows", "flows", "tasks", "expectations", "deployments", "pyproject.toml"} <= sources
