"""A Prefect server on loopback, spoken to as its UI does: over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
T = TypeVar("T")


def eventually(ask: Callable[[], T | None], what: str, seconds: float = 300) -> T:
    """The first answer that is true. A wait is long where the machine is busy, and over when it can be."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


class Process:
    """A process with a log file and everything it starts."""

    def __init__(self, command: Sequence[str], env: dict[str, str], folder: Path, log: Path) -> None:
        self.log = log
        self._command, self._env, self._folder = command, env, folder
        self.start()

    def start(self) -> None:
        """Starts it, again if it was stopped."""
        with self.log.open("a") as out:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process and everything it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(20)


class PrefectServer:
    """The server, and the environment of those who talk to it.

    Args:
        folder: Where its database and its log are.
        python: The interpreter that has Prefect and mixflows.
        pythonpath: What it looks for modules in first; nothing where mixflows is installed.
    """

    def __init__(self, folder: Path, python: str = sys.executable, pythonpath: str = PYTHONPATH) -> None:
        self.prefect = (python, "-m", "prefect")
        self._python = python
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.ui = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "PYTHONPATH": pythonpath,
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_API_URL": f"{self.ui}/api",
            "PREFECT_SERVER_UI_API_URL": f"{self.ui}/api",
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        command = [*self.prefect, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = Process(command, self.env, folder, folder / "server.log")
        self.api = httpx.Client(base_url=f"{self.ui}/api", timeout=60)
        eventually(self._answers, f"the server answers; see {self._process.log}")

    def _answers(self) -> bool:
        try:
            return self.api.get("/health").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.api.close()
        self._process.stop()

    @property
    def errors(self) -> list[str]:
        """What the server complained about itself."""
        return [line for line in self._process.log.read_text().splitlines() if "| ERROR " in line]

    def cli(self, *words: str, folder: Path) -> str:
        """Runs `prefect` in a folder."""
        return ran([*self.prefect, "--no-prompt", *words], self.env, folder)

    def python(self, *words: str, folder: Path) -> str:
        return ran([self._python, *words], self.env, folder)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Lets Prefect's clients in this process talk to the server."""
        with temporary_settings({PREFECT_API_URL: f"{self.ui}/api", PREFECT_HOME: self.folder / "client"}):
            yield

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Asks; again while SQLite is locked (503) or a busy server is late to answer a question, as Prefect's clients do."""

        def answered() -> httpx.Response | None:
            try:
                answer = self.api.request(method, path, json=body)
            except httpx.TransportError:
                if method == "GET" or path.endswith("/filter"):
                    return None
                raise
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = eventually(answered, f"{path} is answered")
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self.ask("POST", path, body)

    def deployment(self, name: str) -> dict[str, Any]:
        return self.get(f"/deployments/name/{name}/{name}")

    def pool_limit(self, limit: int) -> None:
        """Sets how many runs the pool `mixflows` has at a time."""
        self.ask("PATCH", "/work_pools/mixflows", {"concurrency_limit": limit})

    @contextmanager
    def soon_and_every_minute(self, name: str) -> Iterator[None]:
        """Changes when a deployment is scheduled: the scheduler drops the runs that it made, and makes others."""
        deployment = self.deployment(name)
        (before,) = deployment["schedules"]
        path = f"/deployments/{deployment['id']}/schedules/{before['id']}"
        soon = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
        self.ask("PATCH", path, {"schedule": {"interval": 60, "anchor_date": soon, "timezone": "UTC"}})
        yield
        self.ask("PATCH", path, {"schedule": before["schedule"]})

    def start(self, name: str, **parameters: Any) -> str:
        """Starts a run as the form does.

        Returns:
            The flow run's id.
        """
        state = {"type": "SCHEDULED"}
        created = self.post(
            f"/deployments/{self.deployment(name)['id']}/create_flow_run", parameters=parameters, state=state
        )
        return created["id"]

    def retry(self, run_id: str) -> None:
        """The button `Retry`."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        assert self.post(f"/flow_runs/{run_id}/set_state", state=state, force=False)["status"] == "ACCEPT"

    def cancel(self, run_id: str) -> None:
        """The button `Cancel`."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        assert self.post(f"/flow_runs/{run_id}/set_state", state=state, force=False)["status"] == "ACCEPT"

    def change_state(self, run_id: str, state: str) -> None:
        """The entry `Change state` of a run's menu."""
        self.post(f"/flow_runs/{run_id}/set_state", state={"type": state}, force=True)

    def run(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/flow_runs/{run_id}")

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of a deployment that were started, the first one first."""
        found = self.post(
            "/flow_runs/filter",
            flow_runs={"deployment_id": {"any_": [self.deployment(name)["id"]]}, "start_time": {"is_null_": False}},
        )
        return sorted(found, key=lambda run: run["start_time"])

    def idle(self) -> None:
        """Waits until nothing runs or waits for its turn, such as a report that follows a run."""
        busy = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING", "SCHEDULED"]}}}

        def nothing() -> bool:
            return all(run["auto_scheduled"] for run in self.post("/flow_runs/filter", flow_runs=busy))

        eventually(nothing, "every run has ended")

    def ended(self, run_id: str, run_count: int = 1, seconds: float = 400) -> dict[str, Any]:
        """The run once it ended for that many times."""

        def ask() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["state_type"] in TERMINAL and run["run_count"] >= run_count else None

        return eventually(ask, f"run {run_id} ends; see {self.folder}", seconds)

    def in_state(self, run_id: str, name: str) -> dict[str, Any]:
        return eventually(
            lambda: run if (run := self.run(run_id))["state_name"] == name else None, f"run {run_id} is {name}"
        )

    def task_runs(self, run_id: str) -> list[dict[str, Any]]:
        return self.post("/task_runs/filter", flow_runs={"id": {"any_": [run_id]}})

    def log(self, run_id: str, words: str) -> list[str]:
        """The run's log, once these words are in it."""

        def arrived() -> list[str] | None:
            messages = self.messages(run_id)
            return messages if any(words in message for message in messages) else None

        return eventually(arrived, f"{words!r} is in the log of {run_id}")

    def messages(self, run_id: str) -> list[str]:
        logs = self.post("/logs/filter", logs={"flow_run_id": {"any_": [run_id]}}, sort="TIMESTAMP_ASC")
        return [log["message"] for log in logs]

    def artifacts_named(self, key: str, run_id: str) -> list[dict[str, Any]]:
        """The artifacts of a key that the attempts of a run left."""
        of_run = {"id": {"any_": [run_id]}}
        return self.post("/artifacts/filter", artifacts={"key": {"any_": [key]}}, flow_runs=of_run)

    def artifacts(self, run_id: str) -> dict[str, dict[str, Any]]:
        found = self.post("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run_id]}})
        return {artifact["key"]: artifact for artifact in found}

    def events(self, prefix: str, resource: str = "") -> list[dict[str, Any]]:
        events = self.post("/events/filter", filter={"event": {"prefix": [prefix]}})["events"]
        return [event for event in events if event["resource"]["prefect.resource.id"].startswith(resource)]


def flow_processes(run_id: str) -> list[psutil.Process]:
    """The processes that run a flow run."""
    return [p for p in psutil.process_iter() if _runs(p, run_id)]


def _runs(process: psutil.Process, run_id: str) -> bool:
    try:
        return run_id in process.environ().get("PREFECT__FLOW_RUN_ID", "")
    except psutil.Error:
        return False


def ran(command: Sequence[str], env: dict[str, str], folder: Path, seconds: float = 400) -> str:
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
