"""Whether an export is complete: Mixpanel cuts exports off with words in the middle of the text, and with status 200."""

import json
import re

from mixflows.errors import IncompleteFileError, TerminatedEarlyError
from mixflows.intake.blocks import END_BYTES

MARKER = b"terminated early"
"""The end of an export that the API cut short: `terminated early` or `export terminated early`, on a line of its own or
directly behind the last byte that was sent. Source: Mixpanel's raw export reference, and mixpanel-utils issue 5."""
MARKED_END = re.compile(rb"(?i)terminated\s+early[\s.!]*$")
MARKED_SEAM = re.compile(rb"terminated early\s*\{")
"""Two exports in one file, the first of them cut short."""
EXPORT_AGAIN = "Export that range again, in smaller ranges if it keeps happening."


def joined(first: bytes, second: bytes, max_bytes: int) -> bytes | None:
    """Joins a record that a raw line feed splits.

    Returns:
        The one JSON object that two neighbouring lines make, at most `max_bytes` long; else None. A line feed inside a
        string stays a part of the string.
    """
    if not (first.lstrip().startswith(b"{") and second.rstrip().endswith(b"}")):
        return None
    if len(first) + len(second) + 4 > max_bytes:
        return None
    escaped = rb"\r\n" if first.endswith(b"\r") else rb"\n"
    bare = first.removesuffix(b"\r")
    candidates = (bare + b"\n" + second, bare + escaped + second, bare + second)
    return next((candidate for candidate in candidates if isinstance(_parsed(candidate), dict)), None)


def is_json(line: bytes) -> bool:
    """Whether a line is JSON, as far as Python can tell: nesting that is too deep for it counts as JSON."""
    return _parsed(line) is not _NO_JSON


_NO_JSON, _TOO_DEEP = object(), object()


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text.decode(), parse_int=str, parse_float=str)  # numbers may have thousands of digits
    except ValueError:
        return _NO_JSON
    except RecursionError:
        return _TOO_DEEP


class Completeness:
    """Watches the lines of a file for signs that the export was cut off.

    Args:
        shown: The file, for messages.
        max_line_bytes: The longest line that is an event.
    """

    def __init__(self, shown: str, max_line_bytes: int) -> None:
        self._shown = shown
        self._max_line_bytes = max_line_bytes
        self._first = b""
        self._last_two = (b"", b"")
        self._marked: bytes | None = None

    def watch(self, block: list[bytes], text: bytes) -> None:
        """Takes the next lines, and the same as one text.

        Raises:
            IncompleteFileError: A line that is no JSON ends with the marker.
        """
        ends = text.count(b"}\n") + text.count(b"}\r\n") + text.endswith((b"}", b"}\r"))
        if self._marked is not None or ends < len(block) or MARKER in text:
            for line in filter(bytes.strip, block):
                self._look_at(line)
        self._first = self._first or next(line.strip() for line in block if line.strip())[:1]
        for line in [line for line in block[-2:] if line.strip()] or [line for line in block if line.strip()][-1:]:
            self._last_two = (self._last_two[1], line)

    def _look_at(self, line: bytes) -> None:
        if self._marked is not None:
            if joined(self._marked, line, self._max_line_bytes) is None:
                self._refuse_marked()
            self._marked = None
        elif MARKED_END.search(line[-END_BYTES:]):
            self._marked = line
        elif MARKER in line and (
            (is_json(line) and _is_error(line)) or (MARKED_SEAM.search(line) and not is_json(line))
        ):
            self._refuse_marked()

    def finish(self, *, ends_with_line_feed: bool) -> None:
        """Looks at the end of the file.

        Raises:
            IncompleteFileError: The last line ends with the marker, or is cut off.
        """
        if self._marked is not None:
            self._refuse_marked()
        previous, last = self._last_two
        if ends_with_line_feed or not last or b"{" not in (self._first, last.lstrip()[:1]):
            return
        if len(last) > self._max_line_bytes:
            is_whole = last.rstrip().endswith(b"}")
        else:
            is_whole = is_json(last) or joined(previous, last, self._max_line_bytes) is not None
        if not is_whole:
            raise IncompleteFileError(
                f"{self._shown} is cut off inside its last line; nothing of it was landed",
                "Download or export it again.",
            )

    def _refuse_marked(self) -> None:
        raise TerminatedEarlyError(
            f"{self._shown} has a line that ends with `terminated early`: Mixpanel cut the export off, and nothing of it"
            " was landed",
            EXPORT_AGAIN,
        )


def _is_error(line: bytes) -> bool:
    value = _parsed(line)
    return isinstance(value, dict) and "error" in value and "properties" not in value
