"""A Prefect server on loopback with the deployments and a worker, as docs/operations.md sets them up, and its memory."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from benchmarks.measuring import held_mb

ROOT = Path(__file__).parent.parent
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
T = TypeVar("T")
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PYTHONPATH": str(ROOT),
}


def until(ask: Callable[[], T | None], what: str, seconds: float = 300, pause: float = 0.1) -> T:
    """The first answer that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@dataclass
class Memory:
    """Megabytes of processes over time: (seconds, first, second, …)."""

    samples: list[tuple[float, ...]] = field(default_factory=list)

    def at(self, share: float) -> tuple[float, ...]:
        """The medians of what was sampled around this share of the time."""
        middle = round(share * (len(self.samples) - 1))
        near = self.samples[max(0, middle - 2) : middle + 3]
        return tuple(sorted(column)[len(near) // 2] for column in zip(*near, strict=True))


@contextmanager
def sampled(*processes: psutil.Process) -> Iterator[Memory]:
    """Samples the resident memory of processes, each with its children, twice a second while its body runs."""
    memory, done, started = Memory(), threading.Event(), time.monotonic()

    def sample() -> None:
        while not done.wait(0.5):
            try:
                memory.samples.append((time.monotonic() - started, *map(held_mb, processes)))
            except psutil.NoSuchProcess:
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield memory
    finally:
        done.set()
        thread.join()


class PrefectServer:
    """The server. Processes that this one starts find it in their environment.

    Args:
        folder: Where its database and logs go.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._folder, self._stack, self._port = folder, ExitStack(), port
        api = f"http://127.0.0.1:{port}/api"
        os.environ.update(SETTINGS | {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": api})
        self._api = httpx.Client(base_url=api, timeout=60)

    def __enter__(self) -> "PrefectServer":
        with self._stack:  # ends what was started, should the server not answer
            self._stack.enter_context(self._api)
            words = ("server", "start", "--host", "127.0.0.1", "--port", str(self._port))
            self.process = self._started("server", *words)
            until(self._answers, "the server answers")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def deploy(self, folder: Path) -> None:
        """Deploys from a project's folder, and starts a worker."""
        for words in (
            ("work-pool", "create", "mixflows", "--type", "process"),
            ("work-pool", "set-concurrency-limit", "mixflows", "1"),
            ("deploy", "--prefect-file", str(ROOT / "deployments/prefect.yaml"), "--all"),
        ):
            subprocess.run([*PREFECT, *words], cwd=folder, check=True, capture_output=True)
        self._started("worker", "worker", "start", "--pool", "mixflows")

    def start(self, name: str, **parameters: Any) -> str:
        """Starts a run of a deployment.

        Returns:
            Its id.
        """
        deployment = self.get(f"/deployments/name/{name}/{name}")["id"]
        wanted = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        made = self._api.post(f"/deployments/{deployment}/create_flow_run", json=wanted)
        return made.raise_for_status().json()["id"]

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run once it has ended."""
        run = until(
            lambda: found if (found := self.get(f"/flow_runs/{run_id}"))["state_type"] in FINAL else None, run_id
        )
        if run["state_type"] != "COMPLETED":
            raise AssertionError(f"{run['name']} ended {run['state_name']}: {run['state']['message']}")
        return run

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of a deployment, the last one first."""
        deployment = self.get(f"/deployments/name/{name}/{name}")["id"]
        wanted = {"flow_runs": {"deployment_id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_DESC"}
        return self._api.post("/flow_runs/filter", json=wanted).raise_for_status().json()

    def get(self, path: str) -> Any:
        """Asks; again while SQLite is locked."""
        answer = until(
            lambda: a if (a := self._api.get(path)).status_code != httpx.codes.SERVICE_UNAVAILABLE else None, path
        )
        return answer.raise_for_status().json()

    def _answers(self) -> bool:
        try:
            return self._api.get("/health").is_success
        except httpx.TransportError:
            return False

    def _started(self, name: str, *words: str) -> psutil.Process:
        log = self._stack.enter_context((self._folder / f"{name}.log").open("w"))
        process = subprocess.Popen([*PREFECT, *words], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        self._stack.callback(_end, process)
        return psutil.Process(process.pid)


def process_of(run_id: str) -> psutil.Process:
    """The process of a flow run, once it is there."""

    def found() -> psutil.Process | None:
        return next((p for p in psutil.process_iter() if _runs(p, run_id)), None)

    return until(found, f"the process of {run_id} starts", pause=0.02)


def _runs(process: psutil.Process, run_id: str) -> bool:
    try:
        return run_id in process.environ().get("PREFECT__FLOW_RUN_ID", "")
    except psutil.Error:
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in children:
        if child.is_running():
            child.kill()
