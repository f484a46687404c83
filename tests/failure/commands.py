"""The command line on a warehouse's file."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.command_line import COMMAND, ROOT, Ended, run_here


def mixflows(path: Path, *words: str, cwd: Path | None = None) -> Ended:
    """Runs one command on the file in this process.

    Args:
        path: The warehouse's file.
        words: The command, with everything that belongs to it.
        cwd: Where it runs; by default beside the file.
    """
    return run_here(cwd or path.parent, *words, env={"MIXFLOWS_WAREHOUSE__PATH": str(path)})


def mixflows_alone(path: Path, *words: str, cwd: Path | None = None, prefix: Sequence[str] = ()) -> Ended:
    """The same in a process of its own, which another command may run, such as one that enters a namespace."""
    done = subprocess.run(
        [*prefix, *COMMAND, *words],
        capture_output=True, text=True, check=False, cwd=cwd or path.parent, env=environment(path), timeout=120,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def environment(path: Path) -> dict[str, str]:
    """The environment of a process whose commands work on the file."""
    return os.environ | {"PYTHONPATH": str(ROOT), "MIXFLOWS_WAREHOUSE__PATH": str(path)}


def check_told(ended: Ended, *parts: str, code: int = 1) -> None:
    """It ended with this exit code and said why in a sentence, without a traceback."""
    assert ended.code == code, ended
    assert ended.err.startswith("error: "), ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 3, ended.err
    for part in parts:
        assert part in ended.err, ended.err
