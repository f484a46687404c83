"""A Prefect server on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil

from benchmarks.timed_run import ROOT
from mixflows.errors import MixflowsError

PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PYTHONPATH": str(ROOT),
}


def held_mb(process: psutil.Process) -> float:
    """Memory that a process and its children hold together."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6


def _until(is_so: Callable[[], bool], what: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return
        time.sleep(0.1)
    raise MixflowsError(f"{what}: not within {seconds:.0f} s")


class PrefectServer:
    """The server. Processes that this one starts, and Prefect imported later, find it in the environment.

    Args:
        folder: Where its database and logs go.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._folder, self._stack = folder, ExitStack()
        self._api = f"http://127.0.0.1:{self._port}/api"
        os.environ.update(SETTINGS | {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": self._api})

    def __enter__(self) -> "PrefectServer":
        with self._stack:  # ends what was started, should the server not answer
            words = ("server", "start", "--host", "127.0.0.1", "--port", str(self._port))
            self.process = self._started("server", *words)
            _until(self._answers, "the server answers")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self._api}/health").is_success
        except httpx.TransportError:
            return False

    def _started(self, name: str, *words: str) -> psutil.Process:
        log = self._stack.enter_context((self._folder / f"{name}.log").open("w"))
        process = subprocess.Popen([*PREFECT, *words], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        self._stack.callback(_end, process)
        return psutil.Process(process.pid)


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
