"""The command line on a warehouse's file."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.command_line import ROOT, Ended, run_here


def mixflows(path: Path, *words: str, cwd: Path | None = None) -> Ended:
    """Runs one command on the file in this process.

    Args:
        path: The warehouse's file.
        words: The command, with everything that belongs to it.
        cwd: Where it runs; by default beside the file.
    """
    return run_here(cwd or path.parent, *words, env={"MIXFLOWS_WAREHOUSE__PATH": str(path)})


IN_TURN = """
import json, sys
from pathlib import Path
from tests.failure.commands import mixflows

for job in sys.stdin:
    path, words, cwd = json.loads(job)
    ended = mixflows(Path(path), *words, cwd=Path(cwd))
    print(json.dumps([ended.code, ended.out, ended.err]), flush=True)
"""


@contextmanager
def elsewhere(prefix: Sequence[str]) -> Iterator[Callable[..., Ended]]:
    """Gives `mixflows` as it is in another process, one command after the other.

    Args:
        prefix: Words that run a command, such as in a namespace or without a right.
    """
    with subprocess.Popen(
        [*prefix, sys.executable, "-c", IN_TURN], env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip

        def run(path: Path, *words: str, cwd: Path | None = None) -> Ended:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps([str(path), words, str(cwd or path.parent)]), file=process.stdin, flush=True)
            return Ended(*json.loads(process.stdout.readline()))

        yield run


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
