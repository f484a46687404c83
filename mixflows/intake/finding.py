"""Which raw-export files the arguments of a landing mean."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixflows.errors import UsageError
from mixflows.text import plain

SUFFIXES = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".json.gz", ".ndjson.gz", ".parquet")
SCHEMA_FOLDER = "schema"
"""Mixpanel's pipelines write a description of the events into a folder of this name, beside the events.
Source: Mixpanel's documentation of the schematized export pipeline."""


@dataclass(frozen=True)
class FoundFiles:
    """The files to land.

    Attributes:
        files: Sorted by path, each file once.
        is_alone: Whether the only argument is the file itself; else files that were landed before are skipped.
        passed_over: Files of the folders that are not landed: how many, by reason.
    """

    files: tuple[Path, ...]
    is_alone: bool
    passed_over: Mapping[str, int]


def find_files(patterns: Sequence[str]) -> FoundFiles:
    """Finds the files that the patterns mean.

    Args:
        patterns: Files of any name, globs, and folders. Folders are searched recursively for files that end like an
            export; hidden files and folders and Mixpanel's `schema` folders are left out.

    Raises:
        UsageError: Patterns that mean no file; all of them are named.
    """
    if not patterns:
        raise UsageError("no file was named", "Name files, directories or patterns: mixflows land export/*.jsonl.gz")
    search = _Search()
    in_vain = [f"  {plain(pattern)}: {why}" for pattern in patterns if (why := search.add(pattern))]
    in_vain += [f"  {plain(folder)}: the folder cannot be read" for folder in search.unreadable]
    if in_vain:
        raise UsageError(
            "nothing to land at:\n" + "\n".join(in_vain),
            f"In a directory, files ending in {' '.join(SUFFIXES)} are found; any other file must be named itself.",
        )
    passed_over = Counter(why for file, why in search.passed_over.items() if file not in search.files)
    is_alone = len(patterns) == 1 and Path(patterns[0]).is_file()
    return FoundFiles(tuple(sorted(search.files.values())), is_alone, passed_over)


class _Search:
    """Files and what was passed over, by their resolved paths."""

    def __init__(self) -> None:
        self.files: dict[Path, Path] = {}
        self.passed_over: dict[Path, str] = {}
        self.unreadable: list[str] = []

    def add(self, pattern: str) -> str | None:
        """Adds what a pattern means; returns why it means no file."""
        if not pattern.strip():
            return "an empty name; the folder itself is named . (a dot)"
        before = len(self.files)
        path = Path(pattern)
        try:
            if path.is_dir():
                found = list(self._in_folder(path))
            elif path.exists():
                found = [path] if path.is_file() else []
            else:
                found = list(self._matches(pattern))
            for file in found:
                self.files.setdefault(_resolved(file), file)
        except (OSError, ValueError) as err:
            return getattr(err, "strerror", None) or "not a file name"
        if found or len(self.files) > before:
            return None
        if path.is_dir():
            return "no export file in this directory"
        return "not a regular file" if path.exists() else "no such file"

    def _matches(self, pattern: str) -> Iterator[Path]:
        parts = Path(pattern).parts
        fixed = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts))
        for match in map(Path, glob.glob(pattern, recursive=True)):  # noqa: PTH207 — patterns may be absolute
            folders = match.parts[fixed:] if match.is_dir() else match.parts[fixed:-1]
            if match.is_dir():
                yield from self._in_folder(match, inside=folders)
            elif match.is_file() and SCHEMA_FOLDER in folders:
                self.passed_over[_resolved(match)] = _IN_SCHEMA
            elif match.is_file():
                yield match

    def _in_folder(self, folder: Path, inside: tuple[str, ...] = ()) -> Iterator[Path]:
        for root, folders, names in os.walk(folder, onerror=self._cannot_read):
            parts = (*inside, *Path(root).relative_to(folder).parts)
            for name in sorted(names):
                file = Path(root, name)
                if (why := _why_not(file, parts)) is None:
                    yield file
                else:
                    self.passed_over[_resolved(file)] = why
            for name in folders:
                if (link := Path(root, name)).is_symlink():
                    self.passed_over[link.absolute()] = "linked folders"

    def _cannot_read(self, error: OSError) -> None:
        self.unreadable.append(str(error.filename))


def _resolved(file: Path) -> Path:
    """Where links lead to; unlike `Path.resolve`, for a link to itself too."""
    return Path(os.path.realpath(file))


_IN_SCHEMA = f"in a {SCHEMA_FOLDER} folder"


def _why_not(file: Path, folders: tuple[str, ...]) -> str | None:
    if any(part.startswith(".") for part in (*folders, file.name)):
        return "hidden"
    if SCHEMA_FOLDER in folders:
        return _IN_SCHEMA
    if not file.name.lower().endswith(SUFFIXES):
        return "not named like an export"
    return None if file.is_file() else "not a regular file"
