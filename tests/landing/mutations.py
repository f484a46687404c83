"""Ways in which an export file may be damaged, re-encoded or wrapped before it is landed; each drawn from a seed."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[Random, bytes], bytes]


def mutated(seed: int, lines: Sequence[bytes]) -> bytes:
    """The content of one file: some lines of the stream, mutated up to four times, and mostly unwrapped."""
    chance = Random(seed)
    start = chance.randrange(len(lines) - 200)
    content = b"\n".join(lines[start : start + chance.choice((1, 2, 5, 30, 150))]) + b"\n"
    for _ in range(chance.randrange(5)):
        content = chance.choice(IN_CONTENT)(chance, content)
    if chance.random() < 0.4:
        content = chance.choice(WRAPPED)(chance, content)
        if chance.random() < 0.3:
            content = chance.choice(IN_CONTENT[:4])(chance, content)
    return content


def flip(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 40)) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut_end(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def cut_start(chance: Random, content: bytes) -> bytes:
    return content[chance.randrange(len(content) + 1) :]


def insert(chance: Random, content: bytes) -> bytes:
    piece = chance.choice(PIECES)
    place = chance.randrange(len(content) + 1)
    return content[:place] + piece + content[place:]


def doubled(chance: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    place = chance.randrange(len(lines))
    return b"\n".join([*lines[:place], *lines[place : place + 3], *lines[place:]])


def glued(chance: Random, content: bytes) -> bytes:
    ends = [place for place, byte in enumerate(content) if byte == 10]
    for place in sorted(chance.sample(ends, min(len(ends), 2)), reverse=True):
        content = content[:place] + chance.choice((b"", b" ", b",")) + content[place + 1 :]
    return content


def split(chance: Random, content: bytes) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice((b"\n", b"\r\n", b"\r")) + content[place:]


def joined(chance: Random, content: bytes) -> bytes:
    return content + cut_start(chance, content)


def line_ends(chance: Random, content: bytes) -> bytes:
    return content.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\n \t\n", b"\x0b\n", b"\x00\n")))


def other_encoding(chance: Random, content: bytes) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp037"))
    return content.decode(errors="replace").encode(encoding, errors="replace")


def values(chance: Random, content: bytes) -> bytes:
    """Another value in the place of a number, a text or an object."""
    lines = content.split(b"\n")
    place = chance.randrange(len(lines))
    old = chance.choice((b'"properties": {', b'"time": 1', b'"event": "', b"{", b"}", b'"', b": "))
    old = old if old in lines[place] else old.replace(b": ", b":")
    lines[place] = lines[place].replace(
        old, chance.choice((b"", b"null", b"[", b"1e999", b"-", b'"\\ud800', old * 3)), 1
    )
    return b"\n".join(lines)


def gzipped(chance: Random, content: bytes) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return chance.choice(
        (packed, packed + packed, packed + b"\0" * 512, packed + b"rest", gzip.compress(packed, mtime=0))
    )


def zipped(_: Random, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("export.jsonl", content)
    return file.getvalue()


def in_tar(_: Random, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("export.jsonl")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def packed_otherwise(chance: Random, content: bytes) -> bytes:
    return chance.choice((bz2.compress, lzma.compress, zlib.compress, b"\x28\xb5\x2f\xfd".__add__))(content)


def as_array(_: Random, content: bytes) -> bytes:
    return b"[" + b",".join(line for line in content.split(b"\n") if line.strip()) + b"]"


def as_text(_: Random, content: bytes) -> bytes:
    return json.dumps(content.decode(errors="replace")).encode()


def as_parquet(_: Random, content: bytes) -> bytes:
    return b"PAR1" + content + b"PAR1"


PIECES = (
    b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"PAR1", b"\nterminated early\n", b"export terminated early", b"\n\n",
    b"{}\n", b"null\n", b"[]\n", b'"x"\n', b"123\n", b"<html>\n", b"{\n", b"}\n", b'{"event":"x","properties":{"time":1}}\n',
    b"[" * 3000 + b"\n", b'{"a":' * 3000 + b"\n", b"9" * 5000, b'{"error": "no"}\n', b"\xc3", b"\xed\xa0\x80",
    b'{"event":null,"properties":{"time":"1722470400"},"x":{"y":[1]}}\n', b" " * 3000 + b"\n", b"x" * 70_000 + b"\n",
)  # fmt: skip
IN_CONTENT: tuple[Mutation, ...] = (
    flip, cut_end, cut_start, insert, doubled, glued, split, joined, line_ends, other_encoding, values, values, insert,
)  # fmt: skip
WRAPPED: tuple[Mutation, ...] = (gzipped, gzipped, zipped, in_tar, packed_otherwise, as_array, as_text, as_parquet)
