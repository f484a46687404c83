"""Text from data and paths, shown as text: an event may be called `[bold]`, or hold what turns a terminal's lines round."""

import re
from collections.abc import Sequence

NAME_LENGTH = 80
"""How much of a name people are shown, where a name of thousands of characters would hide everything else."""
_JOINERS = "\u200c\u200d"
"""Persian words and joined emoji are written with them."""
_SPECIAL_IN_MARKDOWN = re.compile(
    r"[\\`*\[\]<>|~&@]"
    r"|(?<!\w)_|_(?!\w)"  # inside a word an underscore is one
    r"|:(?=//)|(?<=www)\."  # addresses become links
    r"|^[#+=-]|(?<=^\d)[.)](?=\s)|(?<=^\d\d)[.)](?=\s)"  # headings and lists begin with these
)


def plain(text: object, longest: int | None = None) -> str:
    """Writes a text so that it is one line and can be printed and encoded anywhere.

    Args:
        text: A text, or a path; bytes of a path that are not UTF-8 are shown as hexadecimal numbers.
        longest: Cuts longer texts off, with an ellipsis.

    Returns:
        The text with everything escaped that is not printable: control characters, line ends, what turns the direction of
        writing, lone surrogates; joiners of letters stay. A text that was written so before stays as it is.
    """
    whole = str(text)
    short = whole if longest is None or len(whole) <= longest else whole[: longest - 1] + "…"
    if short.isprintable():
        return short
    return "".join(c if c.isprintable() or c in _JOINERS else _escaped(c) for c in short)


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8; a path is read as one that cannot where its bytes are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_lines(text: object) -> str:
    """Writes a text of several lines, such as a message with its hint, like `plain`, and keeps its line feeds."""
    return "\n".join(map(plain, str(text).split("\n")))


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 day`, `2,179 days`; `plural` is for nouns that do not just get an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or f'{noun}s'}"


def at_most(most: int, lines: Sequence[str]) -> list[str]:
    """The first lines; where there are more than so many, also how many more."""
    return [*lines[:most], f"and {len(lines) - most:,} more"] if len(lines) > most else list(lines)


def percent(share: float, digits: str = ".2f") -> str:
    """Writes a share in percent, such as `0.11 %`; `digits` is the format of the number."""
    return f"{share * 100:{digits}} %"


def markdown(text: object) -> str:
    """Writes a text like `plain`, for Markdown: it is shown as it is, in a sentence, a list or a cell of a table."""
    return _SPECIAL_IN_MARKDOWN.sub(r"\\\g<0>", plain(text))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python reads a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return ascii(character)[1:-1]
