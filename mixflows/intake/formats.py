"""What the first bytes of a file say it is, where it is not JSON lines."""

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, cast

HEAD_BYTES = 64 * 1024
"""How much of a file is looked at."""
UNPACK = "Unpack it and land what is inside."
CONVERT = "Convert it to JSON lines or Parquet first, or export it again."


@dataclass(frozen=True)
class Recognized:
    """A format other than JSON lines.

    Attributes:
        name: With its article, such as `a zip archive`.
        hint: What to do with such a file.
        is_certain: Whether no line of such a file can be an event, so that it need not be read to the end.
        is_answer: Whether servers answer so in place of events: with a page or an error.
    """

    name: str
    hint: str
    is_certain: bool = True
    is_answer: bool = False


MAGIC = (
    (rb"PK(\x03\x04|\x05\x06)", Recognized("a zip archive", UNPACK)),
    (rb"\x28\xb5\x2f\xfd", Recognized("compressed with Zstandard", UNPACK)),
    (rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38)", Recognized("compressed with bzip2", UNPACK)),
    (rb"\xfd7zXZ\x00", Recognized("compressed with xz", UNPACK)),
    (rb"7z\xbc\xaf\x27\x1c", Recognized("a 7-Zip archive", UNPACK)),
    (rb"Rar!\x1a\x07", Recognized("a RAR archive", UNPACK)),
    (rb"\x04\x22\x4d\x18", Recognized("compressed with LZ4", UNPACK)),
    (rb"\xff\x06\x00\x00sNaPpY", Recognized("compressed with Snappy", UNPACK)),
    (rb"\x1f\x8b", Recognized("gzip inside gzip", "Unpack it once and land what is inside.")),
    (rb"(?s).{257}ustar", Recognized("a tar archive", UNPACK)),
    (rb"PAR[1E]", Recognized("Parquet inside gzip, or encrypted Parquet", "Unpack or decrypt it first.")),
    (rb"Obj\x01", Recognized("an Avro file", CONVERT)),
    (rb"ORC[\x00-\x1f\x80-\xff]", Recognized("an ORC file", CONVERT)),
    (rb"ARROW1\x00\x00", Recognized("an Arrow file", CONVERT)),
    (rb"SQLite format 3\x00", Recognized("an SQLite database", CONVERT)),
    (rb"(?s).{8}DUCK", Recognized("a DuckDB database", CONVERT)),
    (rb"%PDF-", Recognized("a PDF document", CONVERT)),
    (rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff|[\[{]\x00\x00\x00|\x00\x00\x00[\[{]", Recognized("UTF-32 text", "")),
    (rb"\xff\xfe|\xfe\xff|[\[{]\x00|\x00[\[{]", Recognized("UTF-16 text", "")),
)
SEPARATORS = {b",": "CSV", b"\t": "tab-separated text", b";": "CSV with semicolons", b"|": "text separated by |"}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def recognize(head: bytes) -> Recognized | None:
    """Tells the format of a file by its first bytes, unpacked from gzip; None where they may be JSON lines."""
    for magic, recognized in MAGIC:
        if re.match(magic, head):
            hint = recognized.hint or "Convert it to UTF-8: iconv -f UTF-16 -t UTF-8 FILE > FILE.jsonl".replace(
                "UTF-16", recognized.name.split()[0]
            )
            return Recognized(recognized.name, hint, recognized.is_certain)
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if re.match(rb"\[\s*([\[\]{\"\d-]|true|false|null)", text):
        return Recognized(
            "a JSON array", "Each line must be one JSON object; convert it: jq -c '.[]' FILE > FILE.jsonl"
        )
    if text.startswith(b"<"):
        is_page = re.match(rb"(?is)(<!--.*?-->|\s)*<(!doctype\s+html|html)", text)
        return Recognized(
            "an HTML page" if is_page else "XML or HTML",
            "The download may have ended in an error page: export it again.",
            is_certain=False,
            is_answer=True,
        )
    return _json_that_is_no_event(text) or _table_or_other_text(head)


def _json_that_is_no_event(text: bytes) -> Recognized | None:
    if not text.startswith(b"{"):
        return None
    first_line = _parsed(text.split(b"\n", 1)[0])
    whole = first_line if first_line is not None else _parsed(text)
    if not isinstance(whole, dict):
        if first_line is None and re.match(rb'\{\s*\n\s*"', text):
            return _spread_out()
        return None
    members = cast("dict[str, Any]", whole)
    if "properties" not in members and ("error" in members or "errors" in members):
        return Recognized(
            "an error response of the API in JSON",
            "Check the credentials, the project and the dates of the request, then export again.",
            is_certain=False,
            is_answer=True,
        )
    return _spread_out() if first_line is None else None


def _spread_out() -> Recognized:
    return Recognized(
        "JSON that is printed over several lines",
        "Each line must be one JSON object; convert it: jq -c . FILE > FILE.jsonl",
        is_certain=False,
    )


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError):
        return None


def _table_or_other_text(head: bytes) -> Recognized | None:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut off at the end
    except UnicodeDecodeError:
        return Recognized("binary, or text in another encoding than UTF-8", CONVERT, is_certain=False)
    if b"\r" in head and b"\n" not in head:
        return Recognized(
            "text whose lines end with a carriage return alone",
            "Convert it: tr '\\r' '\\n' < FILE > FILE.jsonl",
            is_certain=False,
        )
    lines = [line for line in head.splitlines() if line.strip()][:2]
    for separator, name in SEPARATORS.items():
        counts = {line.count(separator) for line in lines}
        if lines and not lines[0].lstrip().startswith(b"{") and len(counts) == 1 and counts != {0}:
            return Recognized(name, CONVERT, is_certain=False)
    return None
