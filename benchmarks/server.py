"""A Prefect server on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from tenacity import Retrying, stop_after_delay, wait_fixed

from benchmarks.timed_run import ROOT


def held_mb(process: psutil.Process) -> float:
    """Memory that a process and its children hold together."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6


@contextmanager
def prefect_server(folder: Path) -> Iterator[psutil.Process]:
    """A server while the block runs. Processes that this one starts, and Prefect imported later, find it in the environment.

    Args:
        folder: Where its database and log go.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    words = ("-m", "prefect", "--no-prompt", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "server.log").open("w") as log:
        process = psutil.Popen([sys.executable, *words], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        for attempt in Retrying(stop=stop_after_delay(300), wait=wait_fixed(0.1), reraise=True):
            with attempt:
                httpx.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
        yield process
    finally:
        if process.poll() is None:  # it may have ended by itself
            started = process.children(recursive=True)
            process.terminate()
            psutil.wait_procs([process], 20)
            for one in (process, *started):
                if one.is_running():
                    one.kill()
