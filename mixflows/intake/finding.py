"""Which raw-export files the arguments of a landing mean."""

import glob
from collections.abc import Sequence
from pathlib import Path

from mixflows.errors import UsageError

SUFFIXES = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".json.gz", ".ndjson.gz", ".parquet")


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Finds the files that the patterns mean.

    Args:
        patterns: Files of any name, globs, and directories: searched to the bottom for files that are not hidden and
            end like an export.

    Returns:
        Sorted by path, each file once.

    Raises:
        UsageError: Patterns that mean no file; all of them are named.
    """
    if not patterns:
        raise UsageError("no file was named", "Name files, directories or patterns: mixflows land export/*.jsonl.gz")
    found: dict[Path, Path] = {}
    in_vain: list[str] = []
    for pattern in patterns:
        paths = _matches(pattern)
        if not paths:
            in_vain.append(f"  {pattern}: {_why_nothing(Path(pattern))}")
        for path in paths:
            found.setdefault(path.resolve(), path)
    if in_vain:
        raise UsageError(
            "nothing to land at:\n" + "\n".join(in_vain),
            f"In a directory, files ending in {' '.join(SUFFIXES)} are found; any other file must be named itself.",
        )
    return sorted(found.values())


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    named = [path] if path.exists() else [Path(match) for match in glob.glob(pattern, recursive=True)]  # noqa: PTH207 — patterns may be absolute
    files: list[Path] = []
    for match in named:
        if match.is_dir():
            files += [inner for inner in match.rglob("*") if _is_export(inner)]
        elif match.is_file():
            files.append(match)
    return files


def _is_export(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.lower().endswith(SUFFIXES) and path.is_file()


def _why_nothing(path: Path) -> str:
    if path.is_dir():
        return "no export file in this directory"
    return "not a regular file" if path.exists() else "no such file"
