"""The Prefect server that a command's flows talk to: the one that is named, or a temporary one of this process.

Run as a script, this file is the temporary server. It ends when its standard input does, and so with the process that
started it, even one that was killed.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from mixflows.errors import MixflowsError

PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # What a temporary server logs while it stops is of no use to anybody.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL"}
STARTUP_SECONDS = 90
"""A first start creates Prefect's database, which was seen to take 16 to 39 seconds."""
SHUTDOWN_SECONDS = 10


def prepare_prefect(*, verbose: bool) -> None:
    """Sets Prefect's environment where the user has not; call it before Prefect is imported."""
    os.environ["PREFECT_LOGGING_MARKUP"] = "false"  # names of events and files are text, whatever is in them
    quiet = {} if verbose else QUIET
    for name, value in (PREFECT_DEFAULTS | quiet).items():
        os.environ.setdefault(name, value)


def is_server_named() -> bool:
    """Whether the environment or the profile names a Prefect server."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


def server_must_answer() -> None:
    """Checks the Prefect server that the environment or the profile names, if they name one.

    Raises:
        MixflowsError: It does not answer.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    if (url := get_current_settings().api.url) is None:
        return
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise MixflowsError(
            f"the Prefect server at {url} does not answer: {type(problem).__name__}",
            "Start it, or name another in PREFECT_API_URL. `run` and `backfill` also work without one, with --no-prefect.",
        )


@contextmanager
def connected(starting: AbstractContextManager[object]) -> Generator[None]:
    """Connects Prefect to the server that is named; where none is, to a temporary one that ends with this process.

    Args:
        starting: Entered while a temporary server starts.

    Raises:
        MixflowsError: The named server does not answer, or the temporary one does not start.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if is_server_named():
        server_must_answer()
        yield
        return
    with starting:
        url = _temporary_server()
    with temporary_settings(updates={PREFECT_API_URL: url}):
        yield


@cache
def _temporary_server() -> str:
    """Starts the temporary server of this process, and returns the URL of its API once it answers."""
    import httpx

    port = _free_port()
    server = subprocess.Popen(
        # -P: what lies beside this file, or in the working folder, is not imported in place of a library.
        [sys.executable, "-P", __file__, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # the terminal's Ctrl-C is for the run, which still reports how its flow ended
    )
    _servers.append(server)
    url = f"http://127.0.0.1:{port}/api"
    until = time.monotonic() + STARTUP_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return url
        except httpx.TransportError:
            time.sleep(0.1)
    why = "did not answer in time" if server.poll() is None else f"ended with exit code {server.returncode}"
    raise MixflowsError(
        f"the temporary Prefect server {why}",
        "Start one with `prefect server start` and name it in PREFECT_API_URL, or go without Prefect: --no-prefect.",
    )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


_servers: list[subprocess.Popen[bytes]] = []


@atexit.register  # with this module and so before Prefect's own, which are called first and still send logs and events
def _end_servers() -> None:
    for server in _servers:
        if server.stdin is not None:
            server.stdin.close()
        try:
            server.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _serve(port: int) -> None:
    """Runs Prefect's server on a port of this machine until standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app(ephemeral=True, final=True), host="127.0.0.1", port=port, log_level="error")


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
