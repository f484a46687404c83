import gzip
import hashlib
from pathlib import Path

import pytest

from mixflows.errors import IncompleteFileError, LandingError
from mixflows.intake.blocks import BLOCK_BYTES
from mixflows.intake.content import inspect_file
from mixflows.intake.formats import recognize
from mixflows.settings import LandingSettings
from tests.landing.lines import event

LINES = (event("a") + "\n" + event("b") + "\n").encode()


def write(folder: Path, content: bytes, name: str = "export.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_and_its_gzip_are_the_same_content(tmp_path: Path) -> None:
    plain = inspect_file(write(tmp_path, LINES))
    zipped = inspect_file(write(tmp_path, gzip.compress(LINES), "export.jsonl.gz"))
    assert plain.content_hash == zipped.content_hash == hashlib.sha256(LINES).hexdigest()
    assert (plain.lines, plain.size_bytes, plain.gzipped) == (2, len(LINES), False)
    assert (zipped.lines, zipped.size_bytes, zipped.gzipped) == (2, len(LINES), True)


def test_gzip_of_several_members_is_one_content(tmp_path: Path) -> None:
    half = len(LINES) // 3
    path = write(tmp_path, gzip.compress(LINES[:half]) + gzip.compress(LINES[half:]), "export.jsonl.gz")
    assert inspect_file(path).content_hash == hashlib.sha256(LINES).hexdigest()


def test_bytes_tell_gzip_and_not_the_name(tmp_path: Path) -> None:
    assert not inspect_file(write(tmp_path, LINES, "unpacked.jsonl.gz")).gzipped
    assert inspect_file(write(tmp_path, gzip.compress(LINES), "packed.jsonl")).gzipped


@pytest.mark.parametrize("kept", [0, 1, 9, 15, -1, -8, -9])
def test_gzip_that_was_cut_off_is_incomplete(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path, gzip.compress(LINES)[:kept], "export.jsonl.gz")
    with pytest.raises(IncompleteFileError, match="cut off before its end"):
        inspect_file(path)


@pytest.mark.parametrize("place", [12, -6])
def test_damaged_gzip_is_refused(tmp_path: Path, place: int) -> None:
    content = bytearray(gzip.compress(LINES))
    content[place] ^= 0xFF
    with pytest.raises(LandingError, match=r"damaged gzip|cut off"):
        inspect_file(write(tmp_path, bytes(content), "export.jsonl.gz"))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n  \n"])
def test_an_export_that_was_terminated_early_is_incomplete(tmp_path: Path, end: bytes) -> None:
    with pytest.raises(IncompleteFileError, match="terminated early"):
        inspect_file(write(tmp_path, LINES + b"terminated early" + end))


CUT = event("x").encode()[:40]


@pytest.mark.parametrize(
    "content",
    [
        LINES + b"export terminated early\n",
        LINES + b"Export Terminated Early.\n",
        LINES + CUT + b"terminated early",
        LINES + CUT + b"export terminated early\n" + LINES,
        LINES + b"terminated early\n" + LINES,
        LINES + b"terminated early" + LINES,
        b"terminated early\n" + LINES,
        LINES + b'{"error": "export terminated early"}\n',
        LINES + CUT,
        LINES + b"\n" + CUT + b"\n  ",
        LINES[:-10],
        b"\xef\xbb\xbf" + CUT,
    ],
)
@pytest.mark.parametrize("allow_malformed", [False, True])
def test_an_incomplete_export_is_refused_whatever_the_flag(
    tmp_path: Path, content: bytes, allow_malformed: bool
) -> None:
    if content.endswith(b"  "):
        content = content.removesuffix(b"\n  ")
    with pytest.raises(IncompleteFileError, match=r"terminated early|cut off inside its last line"):
        inspect_file(write(tmp_path, content), allow_malformed=allow_malformed)
    with pytest.raises(IncompleteFileError):
        inspect_file(write(tmp_path, gzip.compress(content), "export.jsonl.gz"), allow_malformed=allow_malformed)


@pytest.mark.parametrize(
    "line",
    [
        event("x", note="terminated early").encode(),
        event("x", note="export terminated early {").encode(),
        b'"terminated early"',
        b"terminated early?",
        b'{"event":"x","properties":{"time":0,"note":"the job terminated early\n"}}',
    ],
)
def test_those_words_in_a_whole_line_are_data(tmp_path: Path, line: bytes) -> None:
    assert inspect_file(write(tmp_path, LINES + line + b"\n" + LINES)).lines == 5 + line.count(b"\n")


def test_a_section_of_toml_is_no_json_array(tmp_path: Path) -> None:
    assert recognize(b'[warehouse]\npath = "mixflows.duckdb"\n') is None


@pytest.mark.parametrize("start", [b"[", b"\n  [\n", b"\xef\xbb\xbf["])
def test_a_json_array_is_refused_with_the_way_out(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(LandingError, match="JSON array") as refused:
        inspect_file(write(tmp_path, start + LINES))
    assert "jq" in refused.value.hint


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", 0),
        (b"\n", 0),
        (b"x", 1),
        (b"x\n", 1),
        (b"x\r\n\r\n \t\n\ny", 2),
        (b"\xef\xbb\xbfx\n", 1),
        (b"\x0b\n\x0c\n\x00\n", 1),
        ("a\u2028b\u0085c\n".encode(), 1),
    ],
)
def test_lines_are_what_lies_between_line_feeds_and_is_not_blank(tmp_path: Path, content: bytes, lines: int) -> None:
    assert inspect_file(write(tmp_path, content)).lines == lines


def test_lines_and_names_are_found_across_blocks(tmp_path: Path) -> None:
    filler = b"x" * (BLOCK_BYTES - 6) + b"\n"
    content = inspect_file(write(tmp_path, filler + b'{"customer_id": 1}\n' + filler * 2 + b"end"))
    assert (content.lines, content.properties) == (5, {"customer_id"})


def test_only_names_in_quotes_are_properties(tmp_path: Path) -> None:
    landing = LandingSettings.model_validate({"promote": {"plan": "STRING", "$os": "STRING", "age": "INT64"}})
    content = inspect_file(write(tmp_path, b'{"plan_b": 1, "$os": "plan"}\n{"page": 2}\n'), landing)
    assert content.properties == {"plan", "$os"}  # "plan" is a value here: harmless, and not worth parsing for


def test_an_overlong_line_and_a_byte_order_mark_keep_engines_away(tmp_path: Path) -> None:
    landing = LandingSettings.model_validate({"max_line_bytes": 2_000_000})
    fits, too_long = b"x" * 2_000_000 + b"\n", b"x" * 2_000_001 + b"\n"
    assert inspect_file(write(tmp_path, fits + LINES), landing).readable_as_is
    assert inspect_file(write(tmp_path, fits + LINES), landing).longest_line_bytes == 2_000_000
    assert not inspect_file(write(tmp_path, LINES + too_long + LINES), landing).readable_as_is
    assert not inspect_file(write(tmp_path, too_long[:-1]), landing).readable_as_is
    assert not inspect_file(write(tmp_path, b"\xef\xbb\xbf" + LINES), landing).readable_as_is


def test_the_order_of_days_is_seen_in_samples(tmp_path: Path) -> None:
    day, pad = 86_400, "x" * 1000
    ascending = [event(time=i // 1000 * day, pad=pad) for i in range(25_000)]
    shuffled = [event(time=i * 7919 % 25_000 // 1000 * day, pad=pad) for i in range(25_000)]
    assert inspect_file(write(tmp_path, "\n".join(ascending).encode())).in_day_order
    assert not inspect_file(write(tmp_path, "\n".join(shuffled).encode())).in_day_order


def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match=r"gone\.jsonl cannot be read"):
        inspect_file(tmp_path / "gone.jsonl")
    with pytest.raises(LandingError, match="cannot be read"):
        inspect_file(tmp_path)


def test_a_file_named_parquet_must_be_parquet(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="not a Parquet file"):
        inspect_file(write(tmp_path, LINES, "export.parquet"))
