"""Text files that are written where a user points: whole or not at all, through links, into pipes."""

import errno
import os
import re
import stat
from pathlib import Path
from uuid import uuid4

from mixflows.errors import OutputError

LINKS = 40
"""As many links as Linux follows."""
OPEN_ALREADY = re.compile("/dev|/proc/.*")
"""Folders in which a name stands for what is open, such as `/dev/stdout`: the name that it leads to means nothing."""


def write_text(out: Path, text: str, what: str) -> None:
    """Writes a file in UTF-8; a reader of a regular file meets the old one or the new one, never half of one.

    A new file has the rights that the umask leaves, an old one keeps its own. A link stays, and its target is written. A pipe
    or a device is written straight.

    Args:
        out: The file; its folder is made if need be.
        text: The whole content.
        what: What is written, for the error's sentence, such as `the report`.

    Raises:
        OutputError: The file cannot be written; a regular file is as it was.
    """
    content = text.encode()
    try:
        target = _followed(out)
        mode = target.stat().st_mode if target.exists() else None
        if mode is None or (stat.S_ISREG(mode) and not _is_stream(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, content, mode)
            return
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_APPEND), "wb") as stream:
            stream.write(content)
    except BrokenPipeError:
        raise  # who read it has gone; the command line ends without a word
    except OSError as err:
        raise OutputError(
            f"{what} cannot be written to {out}: {err.strerror}", "Name a file in a folder you can write to."
        ) from err


def is_regular(out: Path) -> bool:
    """Whether a path leads to a regular file that can be looked up."""
    try:
        return out.is_file() and not _is_stream(_followed(out))
    except OSError:
        return False


def _followed(out: Path) -> Path:
    """Where links lead; a link to something that is open is not followed."""
    for _ in range(LINKS):
        if _is_stream(out) or not out.is_symlink():
            return out
        out = out.parent / out.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(out))


def _is_stream(path: Path) -> bool:
    return OPEN_ALREADY.fullmatch(os.path.realpath(path.parent)) is not None


def _replace(target: Path, content: bytes, mode: int | None) -> None:
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            file.write(content)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
