"""Commands and stretches of code, timed. CPU seconds stand beside wall-clock seconds, which other work stretches."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mixflows.errors import MixflowsError

ROOT = Path(__file__).parent.parent
MIXFLOWS = ("-c", "from mixflows.cli import main; main()")
# A child's peak memory begins with that of the process that starts it, so a small one has to. What the child read is
# known until it is waited for.
LAUNCHER = """
import json, os, sys, time
started = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
wall = time.perf_counter() - started
try:
    with open(f"/proc/{child}/io") as io:
        read = int(io.readline().split()[1])
except OSError:
    read = 0
_, status, used = os.wait4(child, 0)
cpu = used.ru_utime + used.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), wall, cpu, used.ru_maxrss * 1024 / 1e6, read / 1e9]))
"""
IMPORT = re.compile(r"^import time: +(\d+) \|", re.MULTILINE)


@dataclass
class Span:
    """One timed stretch; `cpu` of all threads. Peak memory and what was read from files (Linux) only of processes."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0
    read_gb: float = 0.0


@contextmanager
def span() -> Iterator[Span]:
    """Times its body."""
    measured = Span()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.wall, measured.cpu = time.perf_counter() - wall, time.process_time() - cpu


def middle(spans: Sequence[Span]) -> Span:
    """The medians."""
    return Span(*(median(getattr(s, name) for s in spans) for name in ("wall", "cpu", "peak_mb", "read_gb")))


def command(*words: str, folder: Path, expected: Sequence[int] = (0,)) -> Span:
    """Runs `mixflows WORD…` in a process of its own."""
    return process([sys.executable, *MIXFLOWS, *words], folder, expected)


def process(
    words: Sequence[str], folder: Path, expected: Sequence[int] = (0,), environment: Mapping[str, str] | None = None
) -> Span:
    """Runs a command in a process of its own.

    Raises:
        MixflowsError: It ended with another exit code.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {})
    launched = [sys.executable, "-S", "-c", LAUNCHER, *words]
    with (folder / "output.txt").open("w+") as output:
        done = subprocess.run(
            launched, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=output, text=True, check=True
        )
        code, *measured = json.loads(done.stdout)
        if code not in expected:
            output.seek(0)
            raise MixflowsError(f"{' '.join(words)} ended with {code}: {output.read()[-2000:]}")
    return Span(*measured)


def imports(*words: str, folder: Path) -> float:
    """Runs `mixflows WORD…` in a process of its own.

    Returns:
        Seconds that its imports took, by the interpreter's own account.
    """
    told = [sys.executable, "-X", "importtime", *MIXFLOWS, *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(told, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return sum(map(int, IMPORT.findall(done.stderr))) / 1e6


@dataclass(frozen=True)
class Ended:
    """How a command in this process ended."""

    span: Span
    code: int
    out: str
    err: str


def here(*words: str, folder: Path) -> Ended:
    """Runs `mixflows WORD…` in this process, which has imported everything by the second time, until its file is closed."""
    from mixflows.cli import run_command
    from mixflows.warehouse import close_warehouses

    before, sys.argv = sys.argv, ["mixflows", *words]
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            span() as measured,
        ):
            code = run_command()
            close_warehouses()
    finally:
        sys.argv = before
    return Ended(measured, code, out.getvalue(), err.getvalue())
