"""Text from data and paths is shown as text: plain for terminals, logs and messages; escaped for Markdown."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from mixflows.cli.output import Terminal, styled
from mixflows.errors import MixflowsError
from mixflows.text import counted, markdown, plain, plain_lines
from tests.support.examples import examples
from tests.support.hostile import NAMES

any_text = st.text(st.characters(), max_size=60)


@given(any_text)
@examples(50)
def test_plain_text_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    shown.encode()
    assert plain(shown) == shown
    assert (shown == text) == text.isprintable()


def test_one_is_no_plural() -> None:
    counts = [(1, "more day"), (0, "row"), (2_179, "row"), (1, "query", "queries"), (3, "query", "queries")]
    told = [counted(*count) for count in counts]
    assert told == ["1 more day", "0 rows", "2,179 rows", "1 query", "3 queries"]


def test_a_path_shows_the_bytes_that_are_no_text() -> None:
    assert plain(os.fsdecode(b"ex\xff\xc3\xa9.jsonl")) == "ex\\xffé.jsonl"
    assert plain("\ud800") == "\\ud800"


def test_a_long_text_is_cut_where_it_is_asked_for() -> None:
    assert plain("abcdef", 4) == "abc…"
    assert plain("abcd", 4) == "abcd"
    assert len(plain("x" * 5000)) == 5000


def test_line_feeds_stay_in_a_message_and_nothing_else_does() -> None:
    assert plain_lines("one\r\ntwo\x1b") == "one\\r\ntwo\\x1b"
    error = MixflowsError("file \x1b[31m.jsonl is cut", "Export\u202e it again.")
    assert str(error) == "file \\x1b[31m.jsonl is cut\nExport\\u202e it again."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("duplicate_rate 33.3 % (at most 1 %)", "duplicate_rate 33.3 % (at most 1 %)"),
        ("a | b", "a \\| b"),
        ("<script>", "\\<script\\>"),
        ("![i](x)", "!\\[i\\](x)"),
        ("_under_ *stars* `code`", "\\_under\\_ \\*stars\\* \\`code\\`"),
        ("http://x and www.x", "http\\://x and www\\.x"),
        ("# head", "\\# head"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("two\nlines", "two\\\\nlines"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, shown: str) -> None:
    assert markdown(text) == shown


@given(any_text)
@examples(50)
def test_a_terminal_prints_text_as_text_alone_and_in_tables(text: str) -> None:
    file = io.StringIO()
    terminal = Terminal(file=file, width=400)
    table = Table(box=None)
    table.add_column(text)
    table.add_row(text, styled(text, "bold"))
    terminal.print(text)
    terminal.print(table)
    assert all(line.isprintable() for line in file.getvalue().split("\n"))


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_terminal_does_not_take_names_for_markup(name: str) -> None:
    file = io.StringIO()
    Terminal(file=file, width=400).print(name)
    assert file.getvalue() == f"{name}\n"
