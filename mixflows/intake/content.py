"""A raw-export file before any engine reads it: whether it is whole, its hash, its lines and its format.

A file's content is read here once, in big blocks: its hash, its lines and its faults are known before the warehouse is
touched, and the lines counted here are held against the rows that the engine reads.
"""

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from mixflows.errors import IncompleteFileError, LandingError
from mixflows.settings import LandingSettings, Settings

BLOCK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
GZIP_TRAILER_BYTES = 8
PARQUET_MAGIC = b"PAR1"
TIME_IN_LINE = re.compile(rb'"time"\s*:\s*"?(\d{1,18})')
FEWEST_SAMPLES = 16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
TERMINATED_EARLY = b"terminated early"
"""The bare last line of an export that the API cut short. Source: Mixpanel's raw export reference."""

Format = Literal["json lines", "parquet"]


@dataclass(frozen=True)
class FileContent:
    """What one pass over a file found.

    Attributes:
        content_hash: SHA-256 of the uncompressed content; a file and its gzip are the same content.
        size_bytes: Size of the uncompressed content.
        lines: Lines that are not blank; None for Parquet, whose rows the engine counts.
        gzipped: Whether the file's bytes are gzip, whatever its name.
        longest_line_bytes: Size of the longest line that is not overlong.
        readable_as_is: Whether an engine may read the file itself: no byte order mark, overlong line or gzip padding.
        in_day_order: Whether the lines come by day, nearly all of them, so that storing them by day needs no sorting.
        properties: Properties to promote whose names occur in the file; a name may occur without being a property.
        landing: The settings that the pass was made with.
        stamp: Modification time in nanoseconds and size on disk, to notice a file that changes while it is landed.
    """

    path: Path
    format: Format
    content_hash: str
    size_bytes: int
    lines: int | None
    gzipped: bool
    longest_line_bytes: int
    readable_as_is: bool
    in_day_order: bool
    properties: frozenset[str]
    landing: LandingSettings
    stamp: tuple[int, int]


def inspect_file(path: Path, landing: LandingSettings | None = None) -> FileContent:
    """Reads a file once, in blocks, and tells whether it may be landed.

    Args:
        path: JSON lines, gzip of them, or Parquet; told apart by the first bytes.
        landing: The properties to look for and the longest line; the defaults where None.

    Raises:
        IncompleteFileError: Gzip cut off before its end, or a last line `terminated early`.
        LandingError: The file cannot be read, is damaged, or is no JSON lines file.
    """
    landing = landing or Settings().landing
    try:
        status = path.stat()
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as err:
        raise LandingError(f"{path} cannot be read: {err.strerror}", "Check its name and its permissions.") from err
    content = _Content(path, landing.max_line_bytes)
    is_parquet = head == PARQUET_MAGIC
    if path.suffix.lower() == ".parquet" and not is_parquet:
        raise LandingError(f"{path} is not a Parquet file", "Its first bytes say so; was it downloaded as a whole?")
    if is_parquet:
        content.read_through()
    found = None if is_parquet else _scan_lines(content, landing)
    return FileContent(
        path=path,
        format="parquet" if is_parquet else "json lines",
        content_hash=content.digest.hexdigest(),
        size_bytes=content.size_bytes,
        lines=found.lines if found else None,
        gzipped=content.gzipped,
        longest_line_bytes=found.longest_line_bytes if found else 0,
        readable_as_is=found is None or not (found.has_overlong_line or content.is_odd),
        in_day_order=found is not None and found.in_day_order(),
        properties=frozenset(found.properties if found else landing.promote),
        landing=landing,
        stamp=(status.st_mtime_ns, status.st_size),
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


def _scan_lines(content: "_Content", landing: LandingSettings) -> _Found:
    names = {name: _as_written(name) for name in landing.promote}
    units_per_day = 86_400 if landing.time_unit == "s" else 86_400_000
    found = _Found()
    last: list[bytes] = []
    for block in content.line_blocks():
        filled = len(block) - _blank_lines(block)
        if not filled:
            continue
        if not found.lines and next(line for line in block if line.strip()).lstrip().startswith(b"["):
            raise LandingError(
                f"{content.path} is a JSON array, not JSON lines",
                "Each line must be one JSON object: jq -c '.[]' FILE > FILE.jsonl makes such a file of it.",
            )
        found.lines += filled
        longest = max(map(len, block))
        found.has_overlong_line |= longest > landing.max_line_bytes
        found.longest_line_bytes = min(max(longest, found.longest_line_bytes), landing.max_line_bytes)
        if sample := TIME_IN_LINE.search(block[0]):
            found.sampled_days.append(int(sample[1]) // units_per_day)
        if len(found.properties) < len(names):
            text = b"\n".join(block)
            found.properties.update(name for name, forms in names.items() if any(form in text for form in forms))
        last = block
    if next((line.strip() for line in reversed(last) if line.strip()), b"") == TERMINATED_EARLY:
        raise IncompleteFileError(
            f"{content.path} ends with `terminated early`: Mixpanel cut the export off, and nothing of it was landed",
            "Export that range again, in smaller ranges if it keeps happening.",
        )
    return found


def _as_written(name: str) -> set[bytes]:
    return {json.dumps(name, ensure_ascii=ascii_only).encode() for ascii_only in (True, False)}


def _blank_lines(lines: list[bytes]) -> int:
    return lines.count(b"") + sum(map(bytes.isspace, lines))


@dataclass(frozen=True)
class RawLine:
    """A line as it stands in its file, decoded lossily; `number` counts all lines from 1, blank ones too.

    Of an overlong line, longer than `max_line_bytes`, the text is the beginning.
    """

    number: int
    text: str
    is_overlong: bool


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
    for block in _Content(content.path, longest).line_blocks():
        if wanted is None:
            return
        places = [i for i, line in enumerate(block) if line.strip()] if _blank_lines(block) else range(len(block))
        while wanted is not None and wanted <= filled + len(places):
            place = places[wanted - filled - 1]
            line = block[place]
            text = line[:longest].removesuffix(b"\r").decode(errors="replace")
            yield RawLine(number + place + 1, text, is_overlong=len(line) > longest)
            wanted = next(ordinals, None)
        filled += len(places)
        number += len(block)


def write_readable(content: FileContent, target: BinaryIO) -> None:
    """Writes the lines of a file so that any engine can read them: without byte order mark and compression.

    In the place of an overlong line stands one that is no JSON, so that all lines keep their positions.
    """
    longest = content.landing.max_line_bytes
    for block in _Content(content.path, longest).line_blocks():
        target.writelines(b"overlong\n" if len(line) > longest else line + b"\n" for line in block)


class _Content:
    """The uncompressed content of one file, read in blocks."""

    def __init__(self, path: Path, max_line_bytes: int) -> None:
        self.path = path
        self.max_line_bytes = max_line_bytes
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self.gzipped = False
        self.is_odd = False

    def blocks(self) -> Iterator[bytes]:
        """The content as it is, hashed as it passes."""
        try:
            with self.path.open("rb") as file:
                magic = file.read(2)
                file.seek(0)
                # Not the name: many HTTP clients unpack on the way. But a .gz that is too short for gzip was cut off.
                self.gzipped = magic == GZIP_MAGIC or (self.path.suffix.lower() == ".gz" and len(magic) < 2)
                if self.gzipped and len(magic) < 2:
                    raise EOFError
                stream = gzip.GzipFile(fileobj=file) if self.gzipped else file
                while block := stream.read(BLOCK_BYTES):
                    self.digest.update(block)
                    self.size_bytes += len(block)
                    yield block
                if self.gzipped:  # zeros after the last member: Python's reader skips them, others fail on them
                    file.seek(-GZIP_TRAILER_BYTES, os.SEEK_END)
                    self.is_odd |= not any(file.read())
        except EOFError as err:
            raise IncompleteFileError(
                f"{self.path} is gzip that was cut off before its end; nothing of it was landed",
                "Download or export it again.",
            ) from err
        except (gzip.BadGzipFile, zlib.error) as err:
            raise LandingError(f"{self.path} is damaged gzip: {err}", "Download or export it again.") from err
        except OSError as err:
            raise LandingError(f"{self.path} cannot be read: {err.strerror or err}", "Check its permissions.") from err

    def read_through(self) -> None:
        """Reads all of it, for its hash and size."""
        for _ in self.blocks():
            pass

    def line_blocks(self) -> Iterator[list[bytes]]:
        """The lines without their line feeds, many at a time; of an overlong line a beginning that is overlong too."""
        carry = b""
        for i, block in enumerate(self.blocks()):
            text = carry + block
            if i == 0 and text.startswith(BYTE_ORDER_MARK):
                self.is_odd = True
                text = text.removeprefix(BYTE_ORDER_MARK)
            lines = text.split(b"\n")
            carry = lines.pop()[: self.max_line_bytes + 1]
            if lines:
                yield lines
        if carry:
            yield [carry]
