"""Another process that holds a warehouse's file."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.command_line import ROOT

HOLDER = """
import sys
from pathlib import Path
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse

open_warehouse(Settings.model_validate({"warehouse": {"path": Path(sys.argv[1])}}))
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Another process holds the file for as long as the block runs; gives its id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder:
        assert holder.stdout.readline() == "open\n"
        yield holder.pid
        holder.stdin.close()
    assert holder.returncode == 0
