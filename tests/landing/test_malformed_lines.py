"""What is no event is kept raw, with its line number and the reason, and never stops the load."""

import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from mixflows.intake.blocks import BLOCK_BYTES
from tests.landing.conftest import Shop
from tests.landing.lines import event
from tests.support.examples import examples

NO_OBJECT, NO_PROPERTIES, NO_TIME = "not a JSON object", "no properties", "time is missing or no time"

MALFORMED = [
    (b"", None),
    (b"   \t ", None),
    (b"\xff\xfe\x00", NO_OBJECT),
    (b"null", NO_OBJECT),
    (b"7", NO_OBJECT),
    (b'"text"', NO_OBJECT),
    (b"NULL", NO_OBJECT),
    (b"{", NO_OBJECT),
    (b'"', NO_OBJECT),
    (b"\\", NO_OBJECT),
    (b"}{", NO_OBJECT),
    (b"\x00", NO_OBJECT),
    (b"[" + event("x").encode() + b"]", NO_OBJECT),
    (event("x").encode() + event("y").encode(), NO_OBJECT),
    (event("x").encode() + b",", NO_OBJECT),
    (event("x").encode()[:-5], NO_OBJECT),
    (b'{"event": "\xff", "properties": {"time": 1}}', NO_OBJECT),
    (b'{"event": "\x00", "properties": {"time": 1}}', NO_OBJECT),
    (b'{"event": "\\ud800", "properties": {"time": 1}}', NO_OBJECT),
    (b"# comment", NO_OBJECT),
    ("Ünï <html> 'quoted' \u2028 \x01".encode(), NO_OBJECT),
    (b"{}", NO_PROPERTIES),
    (b'{"event": "e"}', NO_PROPERTIES),
    (b'{"event": "e", "properties": null}', NO_PROPERTIES),
    (b'{"event": "e", "properties": [{"time": 1}]}', NO_PROPERTIES),
    (b'{"event": "e", "properties": "{\\"time\\": 1}"}', NO_PROPERTIES),
    (b'{"event": "e", "time": 1, "properties": {}}', NO_TIME),
    (b'{"event": "e", "properties": {"time": "soon"}}', NO_TIME),
]


def raw(line: bytes) -> str:
    return line.decode(errors="replace")


@pytest.mark.parametrize("insertion_order", ["true", "false"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_malformed_line_is_kept_with_its_number_and_reason(shop: Shop, end: bytes, insertion_order: str) -> None:
    shop.connection.execute(f"SET preserve_insertion_order = {insertion_order}")
    lines = [event("first").encode(), *(line for line, _ in MALFORMED), event("last").encode()]
    path = shop.folder / "export.jsonl"
    path.write_bytes(b"".join(line + end for line in lines))
    landing = shop.land(path)
    expected = [(number, raw(line), reason) for number, (line, reason) in enumerate(MALFORMED, start=2) if reason]
    assert shop.malformed() == expected
    assert shop.events("mp_insert_id") == [("first",), ("last",)]
    assert (landing.lines, landing.source_rows, landing.malformed_rows) == (len(expected) + 2, 2, len(expected))
    assert shop.landings() == [("export.jsonl", len(expected) + 2, 2, len(expected))]


def test_malformed_lines_carry_their_file_and_their_landing(shop: Shop) -> None:
    landing = shop.land(shop.write(event(), "x", name="export.json.gz"))
    assert shop.rows("SELECT * FROM mp_malformed_records") == [("x", "export.json.gz", 2, NO_OBJECT, landing.landed_at)]


def test_a_file_of_nothing_but_malformed_lines_is_landed(shop: Shop) -> None:
    landing = shop.land(shop.write("a", "b"), allow_malformed=True)
    assert (landing.lines, landing.source_rows, landing.malformed_rows, landing.rows_per_day) == (2, 0, 2, ())


def test_line_numbers_are_right_far_into_a_big_file(shop: Shop) -> None:
    pad = "x" * 300
    lines = [event(f"{i:06}", pad=pad) for i in range(60_000)]
    places = [0, 1, 2_599, 30_000, 45_678, 59_999]
    for place in places:
        lines[place] = f"malformed {place}"
    lines[100] = lines[20_000] = "  "
    path = shop.write(*lines)
    assert path.stat().st_size > 20 * BLOCK_BYTES
    landing = shop.land(path)
    assert shop.malformed() == [(place + 1, f"malformed {place}", NO_OBJECT) for place in places]
    assert (landing.lines, landing.source_rows) == (59_998, 59_992)


def test_tens_of_thousands_of_malformed_lines_are_all_kept(shop: Shop) -> None:
    landing = shop.land(
        shop.write(*(f"malformed {i}" if i % 3 else event(str(i)) for i in range(60_000))), allow_malformed=True
    )
    assert landing.malformed_rows == 40_000
    assert shop.malformed() == [(i + 1, f"malformed {i}", NO_OBJECT) for i in range(60_000) if i % 3]


LIMIT = {"max_line_bytes": 2_000_000}


@pytest.mark.parametrize(("name", "filler"), [("export.jsonl", b"x"), ("export.jsonl.gz", b" ")])
def test_an_overlong_line_is_malformed_and_the_longest_allowed_one_is_not(shop: Shop, name: str, filler: bytes) -> None:
    head, tail = (b"", b"") if filler == b" " else (b'"pad": "', b'"}}')

    def line(insert_id: str, size: int) -> bytes:
        start = event(insert_id).encode()
        start = start if filler == b" " else start[:-2] + b", " + head
        return start + filler * (size - len(start) - len(tail)) + tail

    fits, too_long, far_too_long = line("b", 2_000_000), line("c", 2_000_001), line("d", 10_000_000)
    landing = shop.land(shop.write(event("a"), fits, "", too_long, far_too_long, event("e"), name=name), landing=LIMIT)
    assert shop.events("mp_insert_id") == [("a",), ("b",), ("e",)]
    assert shop.malformed() == [
        (4, raw(too_long[:2_000_000]), "longer than 2,000,000 bytes"),
        (5, raw(far_too_long[:2_000_000]), "longer than 2,000,000 bytes"),
    ]
    assert (landing.lines, landing.malformed_rows) == (5, 2)
    assert [path.name for path in shop.folder.iterdir() if path.name.startswith(".landing")] == []


def test_an_overlong_line_is_found_without_a_line_feed(shop: Shop) -> None:
    path = shop.folder / "export.jsonl"
    long = event("b").encode()[:-2] + b', "pad": "' + b"x" * 3_000_000 + b'"}}'
    path.write_bytes(event("a").encode() + b"\n" + long)
    shop.land(path, landing=LIMIT)
    assert shop.malformed() == [(2, raw(long[:2_000_000]), "longer than 2,000,000 bytes")]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_does_not_stop_the_load(shop: Shop, opening: str, closing: str) -> None:
    deep = opening * 100_000 + "1" + closing * 100_000
    shop.land(shop.write('{"event": "e", "properties": {"time": 0, "$insert_id": "a", "x": ' + deep + "}}"))
    assert shop.rows("SELECT mp_insert_id, properties::VARCHAR FROM mp_master_event") == [("a", f'{{"x":{deep}}}')]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
some_events = st.builds(
    lambda members, time: json.dumps(
        {"event": "e", "properties": members | {"time": time, "$insert_id": "a"}}
    ).encode(),
    st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    st.integers(0, 2_000_000_000),
)
some_lines = (
    some_events
    | st.binary(max_size=40)
    | st.sampled_from([line for line, _ in MALFORMED])
    | json_values.map(lambda value: json.dumps(value).encode())
)


def is_event(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, UnicodeDecodeError):
        return False
    return (
        isinstance(value, dict)
        and isinstance(value.get("properties"), dict)
        and isinstance(value["properties"].get("time"), int)
        and value["properties"].get("$insert_id") == "a"
    )


files = st.lists(some_lines, max_size=3) | st.lists(some_lines, min_size=15, max_size=50)


@examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=files, gzipped=st.booleans(), end=st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_whatever_the_bytes_every_line_is_an_event_or_malformed(
    shop: Shop, lines: list[bytes], gzipped: bool, end: bytes
) -> None:
    content = event("first").encode() + b"\n" + end.join(lines) + b"\n"
    shop.connection.execute("DROP TABLE IF EXISTS mp_master_event; DELETE FROM mp_malformed_records")
    path = Path(shop.folder / "export.jsonl")
    path.write_bytes(gzip.compress(content) if gzipped else content)
    landing = shop.land(path, again=True)
    filled = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    malformed = shop.malformed()
    assert landing.lines == len(filled) == landing.source_rows + landing.malformed_rows + landing.joined_rows
    assert landing.malformed_rows == len(malformed)
    raw_lines = {number: raw(line.removesuffix(b"\r")) for number, line in filled}
    assert all(raw_lines[number] == text for number, text, _ in malformed)
    # DuckDB's reader is a little more forgiving than Python's: it takes a comma before a closing bracket.
    assert not {number for number, _, _ in malformed} & {number for number, line in filled if is_event(line)}


@pytest.mark.parametrize("name", ["export.jsonl", "export.jsonl.gz"])
def test_a_line_of_100_megabytes_takes_seconds(shop: Shop, name: str) -> None:
    line = b'{"event": "' + b"x" * 100_000_000 + b'", "properties": {}}'
    path = shop.write(event("a"), line, event("b"), name=name)
    started = time.monotonic()
    landing = shop.land(path)
    assert time.monotonic() - started < 15
    assert (landing.lines, landing.source_rows, landing.malformed_rows) == (3, 2, 1)
