"""The blocks that docs/operations.md gives for Docker and Cloud Run are accepted by a server, word for word."""

import re
from pathlib import Path

import pytest
import yaml

from deployments.serve import PREFECT_FILE
from tests.deployments.project import Project
from tests.deployments.server import ROOT, PrefectServer

BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL)


@pytest.mark.operation
@pytest.mark.xdist_group("operation")
@pytest.mark.timeout(900)
def test_the_documented_places_can_be_deployed_to(server: PrefectServer, project: Project, tmp_path: Path) -> None:
    pools = {"mixflows-docker": "docker", "mixflows-cloud-run": "cloud-run-v2"}
    places = {p["name"]: p for p in (yaml.safe_load(b).get("place") for b in BLOCKS) if p}
    (pull,) = [yaml.safe_load(b)["pull"] for b in BLOCKS if b.startswith("pull:")]
    assert set(places) == set(pools)
    for name, pool_type in pools.items():
        server.cli("work-pool", "create", name, "--type", pool_type, folder=project.folder)
        known = server.get(f"/work_pools/{name}")["base_job_template"]["variables"]["properties"]
        assert set(places[name]["job_variables"]) <= set(known)

    (daily,) = [e for e in yaml.safe_load(PREFECT_FILE.read_text())["deployments"] if e["name"].endswith("daily")]
    file = tmp_path / "prefect.yaml"
    copies = [daily | {"name": f"daily-{name}", "work_pool": places[name], "schedules": []} for name in pools]
    file.write_text(yaml.safe_dump({"pull": pull, "deployments": copies}))
    server.cli("deploy", "--prefect-file", str(file), "--all", folder=project.folder)
    for name in pools:
        held = server.get(f"/deployments/name/daily/daily-{name}")
        assert held["job_variables"] == places[name]["job_variables"]
        assert held["pull_steps"] == pull
        server.ask("DELETE", f"/deployments/{held['id']}")


def test_the_image_copies_every_room_of_the_wheel() -> None:
    """The Dockerfile cannot be built without a Docker daemon; what it copies can be compared with what exists."""
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "deployments/Dockerfile").read_text(), re.MULTILINE)
    sources = {word for line in copied for word in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    assert {"mixflows", "flows", "tasks", "expectations", "deployments", "pyproject.toml"} <= sources
