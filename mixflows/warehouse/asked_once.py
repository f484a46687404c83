"""What sqlglot says of a text, kept from one process to the next: to import it and to ask it takes a third of a second.

The answers are files in the user's cache folder, `mixflows/sql` in `$XDG_CACHE_HOME` or `~/.cache`, and may be deleted at
any time. Where they cannot be kept, sqlglot is asked each time.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from mixflows import __version__


@cache
def asked_once(ask: Callable[[str, str], str], text: str, dialect: str) -> str:
    """The answer to a text in a dialect.

    Args:
        ask: Asks sqlglot. Its answer follows from text, dialect and the versions of sqlglot and mixflows alone.
    """
    question = "\0".join((ask.__module__, ask.__qualname__, __version__, _sqlglot(), dialect, text))
    name = _digest(question)
    if (kept := _read(name)) is not None:
        return kept
    answer = ask(text, dialect)
    with suppress(OSError, RuntimeError):
        _write(name, answer)
    return answer


@cache
def _sqlglot() -> str:
    return version("sqlglot")


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixflows" / "sql"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _read(name: str) -> str | None:
    with suppress(OSError, RuntimeError, ValueError):  # not there, no home folder, not whole
        digest, answer = (_folder() / name).read_text(encoding="utf-8").split("\n", 1)
        if digest == _digest(answer):
            return answer
    return None


def _write(name: str, answer: str) -> None:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, encoding="utf-8", newline="\n", delete=False) as file:
        file.write(f"{_digest(answer)}\n{answer}")
    Path(file.name).replace(folder / name)
