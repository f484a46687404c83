"""A raw-export file before any engine reads it: whether it is whole, its hash, its lines and its format.

A file's content is read here once, in big blocks: its hash, its lines and its faults are known before the warehouse is
touched, and the lines counted here are compared with the rows that the engine reads.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from mixflows.errors import LandingError
from mixflows.intake.blocks import Blocks
from mixflows.intake.complete import Completeness
from mixflows.intake.formats import HEAD_BYTES, Recognized, recognize
from mixflows.settings import LandingSettings, Settings
from mixflows.text import plain

PARQUET_MAGIC = b"PAR1"
TIME_IN_LINE = re.compile(rb'"time"\s*:\s*"?(\d{1,18})')
FEWEST_SAMPLES = 16

Format = Literal["json lines", "parquet"]


@dataclass(frozen=True)
class FileContent:
    """What one pass over a file found.

    Attributes:
        name: What its rows and lines are known by: the file's name without its folder, as text that every table and log can hold.
        content_hash: SHA-256 of the uncompressed content; a file and its gzip are the same content.
        size_bytes: Size of the uncompressed content.
        lines: Lines that are not blank; None for Parquet, whose rows the engine counts.
        gzipped: Whether the file's bytes are gzip, whatever its name.
        longest_line_bytes: Size of the longest line that is not overlong.
        readable_as_is: Whether an engine may read the file itself: no byte order mark, overlong line or gzip padding.
        in_day_order: Whether the lines come by day, nearly all of them, so that storing them by day needs no sorting.
        properties: Properties to promote whose names occur in the file; a name may occur without being a property.
        recognized: Another format that the first bytes show.
        allow_malformed: Whether the file is landed even if it is no export.
        landing: The settings that the pass was made with.
        stamp: Modification time in nanoseconds and size on disk, to notice a file that changes while it is landed.
    """

    path: Path
    name: str
    format: Format
    content_hash: str
    size_bytes: int
    lines: int | None
    gzipped: bool
    longest_line_bytes: int
    readable_as_is: bool
    in_day_order: bool
    properties: frozenset[str]
    recognized: Recognized | None
    allow_malformed: bool
    landing: LandingSettings
    stamp: tuple[int, int]

    @property
    def shown(self) -> str:
        """The file's path for messages."""
        return plain(self.path)


def inspect_file(path: Path, landing: LandingSettings | None = None, *, allow_malformed: bool = False) -> FileContent:
    """Reads a file once, in blocks, and tells whether it may be landed.

    Args:
        path: JSON lines, gzip of them, or Parquet; told apart by the first bytes.
        landing: The properties to look for and the longest line; the defaults where None.
        allow_malformed: Whether a file that is no export may be landed as malformed lines.

    Raises:
        IncompleteFileError: Gzip or the last line is cut off, or a line ends with `terminated early`.
        LandingError: The file cannot be read, is damaged, or is no JSON lines file.
    """
    landing = landing or Settings().landing
    try:
        status = path.stat()
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as err:
        raise LandingError(
            f"{plain(path)} cannot be read: {err.strerror}", "Check its name and its permissions."
        ) from err
    content = Blocks(path, landing.max_line_bytes)
    is_parquet = magic == PARQUET_MAGIC
    recognized = None if is_parquet else recognize(content.head(HEAD_BYTES))
    _refuse_other_format(path, is_parquet, recognized, allow_malformed)
    if is_parquet:
        content.read_through()
    found = None if is_parquet else _scan_lines(content, landing)
    return FileContent(
        path=path,
        name=plain(path.name),
        format="parquet" if is_parquet else "json lines",
        content_hash=content.digest.hexdigest(),
        size_bytes=content.size_bytes,
        lines=found.lines if found else None,
        gzipped=content.gzipped,
        longest_line_bytes=found.longest_line_bytes if found else 0,
        readable_as_is=found is None or not (found.has_overlong_line or content.is_odd),
        in_day_order=found is not None and found.in_day_order(),
        properties=frozenset(found.properties if found else landing.promote),
        recognized=recognized,
        allow_malformed=allow_malformed,
        landing=landing,
        stamp=(status.st_mtime_ns, status.st_size),
    )


def _refuse_other_format(path: Path, is_parquet: bool, recognized: Recognized | None, allow_malformed: bool) -> None:
    if path.suffix.lower() == ".parquet" and not is_parquet:
        looks_like = f"but looks like {recognized.name}" if recognized else "its first bytes say so"
        raise LandingError(
            f"{plain(path)} is not a Parquet file, {looks_like}", "Check whether it was downloaded completely."
        )
    if recognized is not None and recognized.is_certain and not allow_malformed:
        raise LandingError(
            f"{plain(path)} is {recognized.name}, not JSON lines; nothing of it was landed", recognized.hint
        )


@dataclass
class _Found:
    """What the lines of a file have shown so far. `sampled_days` has one day for each block, counted from 1970."""

    lines: int = 0
    longest_line_bytes: int = 0
    has_overlong_line: bool = False
    properties: set[str] = field(default_factory=set[str])
    sampled_days: list[int] = field(default_factory=list[int])

    def in_day_order(self) -> bool:
        steps_back = sum(later < earlier for earlier, later in pairwise(self.sampled_days))
        return len(self.sampled_days) >= FEWEST_SAMPLES and steps_back <= len(self.sampled_days) // 100


def _scan_lines(content: Blocks, landing: LandingSettings) -> _Found:
    names = {name: _as_written(name) for name in landing.promote}
    units_per_day = 86_400 if landing.time_unit == "s" else 86_400_000
    found = _Found()
    completeness = Completeness(plain(content.path), landing.max_line_bytes)
    for block in content.line_blocks():
        filled = len(block) - _blank_lines(block)
        if not filled:
            continue
        found.lines += filled
        longest = max(map(len, block))
        found.has_overlong_line |= longest > landing.max_line_bytes
        found.longest_line_bytes = min(max(longest, found.longest_line_bytes), landing.max_line_bytes)
        if sample := TIME_IN_LINE.search(block[0]):
            found.sampled_days.append(int(sample[1]) // units_per_day)
        text = b"\n".join(block)
        if len(found.properties) < len(names):
            found.properties.update(name for name, forms in names.items() if any(form in text for form in forms))
        completeness.watch(block, text)
    completeness.finish(ends_with_line_feed=content.ends_with_line_feed)
    return found


def _as_written(name: str) -> set[bytes]:
    return {json.dumps(name, ensure_ascii=ascii_only).encode() for ascii_only in (True, False)}


def _blank_lines(lines: list[bytes]) -> int:
    return lines.count(b"") + sum(map(bytes.isspace, lines))


@dataclass(frozen=True)
class RawLine:
    """A line as it stands in its file; `number` counts all lines from 1, blank ones too.

    Of an overlong line, longer than `max_line_bytes`, the content is the beginning.
    """

    number: int
    content: bytes
    is_overlong: bool

    @property
    def text(self) -> str:
        """The line, decoded lossily."""
        return self.content.removesuffix(b"\r").decode(errors="replace")


def lines_at(content: FileContent, ordinals: Iterator[int]) -> Iterator[RawLine]:
    """Picks lines out of a file.

    Args:
        content: A file of JSON lines.
        ordinals: Positions among the lines that are not blank, from 1, ascending.

    Returns:
        One line for each ordinal.
    """
    longest = content.landing.max_line_bytes
    wanted = next(ordinals, None)
    filled = number = 0
    for block in Blocks(content.path, longest).line_blocks():
        if wanted is None:
            return
        places = [i for i, line in enumerate(block) if line.strip()] if _blank_lines(block) else range(len(block))
        while wanted is not None and wanted <= filled + len(places):
            place = places[wanted - filled - 1]
            line = block[place]
            yield RawLine(number + place + 1, line[:longest], is_overlong=len(line) > longest)
            wanted = next(ordinals, None)
        filled += len(places)
        number += len(block)


def write_readable(content: FileContent, target: BinaryIO) -> None:
    """Writes the lines of a file so that any engine can read them: without byte order mark and compression.

    In the place of an overlong line stands one that is no JSON, so that all lines keep their positions.
    """
    longest = content.landing.max_line_bytes
    for block in Blocks(content.path, longest).line_blocks():
        target.writelines(b"overlong\n" if len(line) > longest else line + b"\n" for line in block)
