"""A BigQuery API server on loopback: its environment is made once and kept, its data live in a temporary folder.

The server needs an interpreter and packages of its own (Python 3.13, another DuckDB), so it runs as another process.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

PYTHON_VARIABLE = "TEST_BIGQUERY_PYTHON"
"""Names an interpreter for the server, where none is found."""
NEEDS = (3, 13)
HOME = Path(__file__).parents[2] / ".venv-bigquery-server"
REQUIREMENTS = Path(__file__).with_name("server-requirements.txt")
STARTS = Path(__file__).with_name("local_server.py")
READY_SECONDS = 90.0
OBJECTS = "objects"
"""The folder of the server's data that it takes for Cloud Storage: load jobs read objects from it."""

COPY_EXTENSIONS = """
import importlib, pathlib, shutil, duckdb
with duckdb.connect() as connection:
    (version,), = connection.execute("SELECT library_version FROM pragma_version()").fetchall()
    (platform,), = connection.execute("PRAGMA platform").fetchall()
folder = pathlib.Path.home() / ".duckdb" / "extensions" / version / platform
folder.mkdir(parents=True, exist_ok=True)
for name in ("ducklake", "icu", "spatial"):
    package = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__file__).parent
    for file in package.glob(f"extensions/{version}/*.duckdb_extension"):
        shutil.copy(file, folder)
with duckdb.connect() as connection:
    connection.execute("LOAD ducklake")
"""


class NoInterpreterError(Exception):
    """There is no Python here that the server runs on."""


class ServerError(Exception):
    """The server's environment could not be made, or it did not start."""


def find_python() -> Path:
    """An interpreter that the server runs on: the named one, one on the PATH, or one of pyenv's; the oldest such wins.

    Raises:
        NoInterpreterError: None is new enough.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [Path(named)] if named else [*map(Path, _on_path()), Path(sys.executable), *pyenv.glob("*/bin/python3")]
    usable = {version: path for path in reversed(found) if (version := _version(path)) >= NEEDS}
    if not usable:
        raise NoInterpreterError(
            f"the BigQuery API server needs Python {NEEDS[0]}.{NEEDS[1]}, and there is none on the PATH nor in {pyenv};"
            f" install one, or name it in {PYTHON_VARIABLE}"
        )
    return usable[min(usable)]


def _on_path() -> list[str]:
    names = ("python3.13", "python3.14", "python3.15", "python3", "python")
    return [path for name in names if (path := shutil.which(name)) is not None]


def _version(python: Path) -> tuple[int, int]:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    major, minor = done.stdout.split()
    return int(major), int(minor)


def prepare(home: Path = HOME) -> Path:
    """Makes the server's environment, unless it is there already; a minute the first time.

    Returns:
        The folder that is the server's home.

    Raises:
        NoInterpreterError: See `find_python`.
        ServerError: The packages cannot be installed.
    """
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = find_python()
        recipe = f"{python.resolve()}\n{REQUIREMENTS.read_text(encoding='utf-8')}{COPY_EXTENSIONS}"
        stamp, wanted = home / "stamp", hashlib.sha256(recipe.encode()).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return home
        stamp.unlink(missing_ok=True)
        inner = str(home / "venv" / "bin" / "python")
        _run([str(python), "-m", "venv", "--clear", str(home / "venv")], home)
        pip = [inner, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "install", "--quiet", "--no-deps", "--requirement", str(REQUIREMENTS)], home)
        _run([inner, "-c", COPY_EXTENSIONS], home, HOME=str(home))
        stamp.write_text(wanted, encoding="utf-8")
    return home


def _run(command: list[str], home: Path, **variables: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables, cwd=home)
    if done.returncode:
        raise ServerError(f"{' '.join(command[:4])} … failed: {(done.stderr or done.stdout)[-2000:]}")


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """Runs the server on free ports.

    Args:
        data: A folder for its data and its log.

    Yields:
        Its address, once it answers.

    Raises:
        NoInterpreterError: See `find_python`.
        ServerError: It did not start.
    """
    home = prepare()
    port, grpc_port = _free_ports(2)
    command = [str(home / "venv" / "bin" / "python"), str(STARTS), "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--grpc-port", str(grpc_port), "--data-dir", str(data / "tables")]
    for folder in ("tables", OBJECTS):
        (data / folder).mkdir(parents=True, exist_ok=True)
    log = data / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=data,
            env=os.environ | {"HOME": str(home), "GCS_LOCAL_ROOT": str(data / OBJECTS)},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{address}/bigquery/v2/projects/ready/datasets", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise ServerError(f"the BigQuery API server did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def main() -> int:
    """Makes the environment, and says where it is or why there is none."""
    try:
        print(f"the BigQuery API server is in {prepare()}, on {find_python()}")
    except NoInterpreterError as err:
        print(f"not run: {err}")
    except ServerError as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
