"""Paths in the settings: what is a file's path, and which folder a relative one starts from."""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel

from mixflows.settings.base import none_word
from mixflows.text import is_utf8, plain

DEFAULT_CONFIG = Path("mixflows.toml")
NO_PATH = re.compile(r":memory:|[A-Za-z_][\w+.-]+:|-$")
"""A database in memory, an address (`md:`, `s3://`) and standard output begin so; the letter of a drive is no address."""


def file_path(value: object) -> object:
    """Checks that a value can be the path of a file; links are followed."""
    if not isinstance(value, str | Path):
        return value
    text = str(value)
    if not text.strip() or any(ord(character) < 32 for character in text):
        raise ValueError(f"{text!r} is not the path of a file: it is empty, or has control characters in it")
    if NO_PATH.match(text):
        raise ValueError(
            f"{text!r} is a database in memory, an address or standard output, not the path of a file; name a file"
        )
    if text.endswith("/") or _look(Path(text).is_dir):
        raise ValueError(f"{text!r} is a folder; name a file in it")
    return value


def regular_file(value: object) -> object:
    """Checks that a value is the path of a regular file, or of one that does not exist yet, in UTF-8, which DuckDB needs."""
    file_path(value)
    if isinstance(value, str | Path) and not is_utf8(str(value)):
        raise ValueError(
            f"'{plain(value)}' has bytes in it that are not UTF-8, and DuckDB opens no such file; name another"
        )
    if isinstance(value, str | Path) and _look(Path(value).exists) and not _look(Path(value).is_file):
        raise ValueError(f"'{value}' is a pipe, a device or a socket; name a file")
    return value


def folder_path(value: object) -> object:
    """Checks that a value can be the path of a folder, whether it exists yet or not."""
    if not isinstance(value, str | Path):
        return value
    text = str(value)
    if not text.strip() or any(ord(character) < 32 for character in text) or NO_PATH.match(text):
        raise ValueError(f"{text!r} is not the path of a folder")
    if _look(Path(text).exists) and not _look(Path(text).is_dir):
        raise ValueError(f"{text!r} is a file; name a folder")
    return value


def _look(at: Callable[[], bool]) -> bool:
    try:
        return at()
    except OSError as err:
        raise ValueError(f"the path of a file cannot be looked up: {err.strerror}") from err


def is_same_path(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file or folder, which need not exist."""
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def refuse_shared_paths(paths: Mapping[str, Path]) -> None:
    """Refuses files and folders that would play two roles; links are followed.

    Args:
        paths: By their settings, or by what they are.

    Raises:
        ValueError: Two of them lead to one place.
    """
    for (first, path), (second, same) in combinations(paths.items(), 2):
        if is_same_path(path, same):
            raise ValueError(f"{first} and {second} both name {path}; name another path for one of them")


def in_folder(values: Mapping[str, Any], folder: Path, model: type[BaseModel]) -> dict[str, Any]:
    """The values of a settings file, with its relative paths starting from the file's folder.

    Args:
        values: As they are written in the file, checked or not.
        folder: The file's.
        model: The settings, or the section that the values are of.
    """
    found = dict(values)
    for name, value in values.items():
        kind = model.model_fields[name].annotation if name in model.model_fields else None
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            found[name] = in_folder(cast("Mapping[str, Any]", value), folder, kind)
        elif isinstance(value, str) and (kind is Path or Path in get_args(kind)) and none_word(value) is not None:
            is_whole = not value.strip() or NO_PATH.match(value) or Path(value).is_absolute()
            found[name] = value if is_whole else f"{folder}/{value}"
    return found


def command_line(*words: str, config: Path | None) -> str:
    """A command line to be shown as the next step.

    Args:
        words: The command and its arguments, quoted where a shell needs that.
        config: The settings file; it is named unless it is `mixflows.toml` in the working folder.
    """
    named = () if config in (None, DEFAULT_CONFIG) else ("--config", shlex.quote(str(config)))
    return " ".join(["mixflows", *words, *named])
