"""Disks that are small or read-only: mounts that only the commands run in them see, gone when the test ends.

Root's commands write whatever the folder's mode says, so that a mode alone would test nothing as root.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A folder on a mount of its own.

    Attributes:
        folder: Where it is; only commands run with `prefix` see what is there.
        prefix: Words that run a command in it, with the folder as its working directory.
    """

    folder: Path
    prefix: tuple[str, ...]

    def run(self, script: str) -> str:
        """Runs a shell script in the folder and returns what it printed."""
        words = [*self.prefix, "sh", "-ec", script]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def fill(self, leave_kib: int) -> None:
        """Leaves so much room."""
        free = "$(df --output=avail -k . | tail -n 1)"
        self.run(f"head -c $(({free} - {leave_kib}))k /dev/zero > ballast")

    def free(self) -> None:
        """Gives the room back."""
        self.run("rm ballast")


@contextmanager
def mounted(folder: Path, script: str) -> Iterator[Disk]:
    """A disk that a shell script mounts on a folder; skips the test, saying why, where nothing can be mounted."""
    as_root = os.geteuid() == 0
    inside = f"{script} && echo mounted && exec cat"
    holder = subprocess.Popen(
        ["unshare", "--mount", *([] if as_root else ["--map-root-user"]), "sh", "-c", inside],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != "mounted\n":
            why = holder.stderr.read().strip()
            pytest.skip(f"no disk could be mounted here: {why}")
        enter = ["nsenter", "--mount", *([] if as_root else ["--user", "--preserve-credentials"])]
        change = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder)]
        yield Disk(folder, (*enter, "--target", str(holder.pid), *change))
        holder.stdin.close()


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[Disk]:
    """A folder with that much room."""
    folder.mkdir()
    with mounted(folder, f"mount -t tmpfs -o size={size_mib}m none {shlex.quote(str(folder))}") as disk:
        yield disk


@contextmanager
def read_only(path: Path) -> Iterator[Disk]:
    """A folder or a file that can be read only; the commands run in the folder."""
    quoted = shlex.quote(str(path))
    script = f"mount --bind {quoted} {quoted} && mount -o remount,bind,ro {quoted}"
    with mounted(path if path.is_dir() else path.parent, script) as disk:
        yield disk
