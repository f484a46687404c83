"""The command line as a process of its own, with a warehouse's file."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def mixflows(
    path: Path, *words: str, cwd: Path | None = None, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs one command on the file.

    Args:
        path: The warehouse's file.
        words: The command, with everything that belongs to it.
        cwd: Where it runs; by default beside the file.
        prefix: A command that runs it, such as one that enters a namespace.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MIXFLOWS_WAREHOUSE__PATH": str(path)}
    return subprocess.run(
        [*prefix, *mixflows_command(*words)],
        capture_output=True, text=True, check=False, cwd=cwd or path.parent, env=environment, timeout=120,
    )  # fmt: skip


def mixflows_command(*words: str) -> list[str]:
    """The words that run it."""
    return [sys.executable, "-W", "error::ResourceWarning", "-c", "from mixflows.cli import main; main()", *words]


def check_told(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """It ended with exit code 1 and said why in a sentence, without a traceback."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr
