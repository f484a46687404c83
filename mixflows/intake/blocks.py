"""The uncompressed content of one file, read in blocks, so that memory does not grow with the file."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from mixflows.errors import IncompleteFileError, LandingError
from mixflows.intake.formats import BYTE_ORDER_MARK
from mixflows.text import plain

BLOCK_BYTES = 1 << 20
END_BYTES = 64
"""How much of an overlong line's end is kept: what it ends with tells whether the export is complete."""
GZIP_MAGIC = b"\x1f\x8b"
GZIP_TRAILER_BYTES = 8


class Blocks:
    """One reading of a file.

    Args:
        path: The file, plain or gzip.
        max_line_bytes: Longer lines are overlong.

    Attributes:
        digest: SHA-256 of what was read.
        size_bytes: Size of what was read.
        gzipped: Whether the file is gzip, whatever its name.
        is_odd: Whether there is a byte order mark, or padding after gzip.
        ends_with_line_feed: Whether the last line has a line feed, once all was read.
    """

    def __init__(self, path: Path, max_line_bytes: int) -> None:
        self.path = path
        self.max_line_bytes = max_line_bytes
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self.gzipped = False
        self.is_odd = False
        self.ends_with_line_feed = True

    def head(self, size: int) -> bytes:
        """The first bytes."""
        return next(Blocks(self.path, self.max_line_bytes)._blocks(size), b"")

    def read_through(self) -> None:
        """Reads all of it, for its hash and size."""
        for _ in self._blocks(BLOCK_BYTES):
            pass

    def line_blocks(self) -> Iterator[list[bytes]]:
        """The lines without their line feeds, many at a time.

        Of an overlong line that spans blocks, its beginning, one byte longer than the limit, and its last bytes.
        """
        open_line = _OpenLine(self.max_line_bytes)
        for i, block in enumerate(self._blocks(BLOCK_BYTES)):
            text = block
            if i == 0 and text.startswith(BYTE_ORDER_MARK):
                self.is_odd = True
                text = text.removeprefix(BYTE_ORDER_MARK)
            lines = text.split(b"\n")
            open_line.add(lines[0])
            if len(lines) == 1:
                continue
            lines[0] = open_line.take()
            open_line.add(lines.pop())
            yield lines
        if rest := open_line.take():
            self.ends_with_line_feed = not rest.strip()
            yield [rest]

    def _blocks(self, size: int) -> Iterator[bytes]:
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
                while block := stream.read(size):
                    self.digest.update(block)
                    self.size_bytes += len(block)
                    yield block
                if self.gzipped:  # zeros after the last member: Python's reader skips them, others fail on them
                    file.seek(-GZIP_TRAILER_BYTES, os.SEEK_END)
                    self.is_odd |= not any(file.read())
        except EOFError as err:
            raise IncompleteFileError(
                f"{plain(self.path)} is gzip that was cut off before its end; nothing of it was landed",
                "Download or export it again.",
            ) from err
        except (gzip.BadGzipFile, zlib.error) as err:
            raise LandingError(f"{plain(self.path)} is damaged gzip: {err}", "Download or export it again.") from err
        except OSError as err:
            raise LandingError(
                f"{plain(self.path)} cannot be read: {err.strerror or err}", "Check its permissions."
            ) from err


class _OpenLine:
    """A line whose end is in a later block. What an overlong line has beyond its beginning and its end is let go."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._end = b""

    def add(self, piece: bytes) -> None:
        room = self._max_bytes + 1 - self._size
        if room > 0:
            self._pieces.append(piece[:room])
            self._size += len(self._pieces[-1])
        if len(piece) > room:
            self._end = (self._end + piece[max(room, 0) :][-END_BYTES:])[-END_BYTES:]

    def take(self) -> bytes:
        line = b"".join(self._pieces) + self._end
        self._pieces, self._size, self._end = [], 0, b""
        return line
