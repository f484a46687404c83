"""What is printed can be copied: sentences and commands are whole lines in a terminal of any width; tables fit into it."""

import os
import pty
import subprocess
from io import RawIOBase, StringIO

import pytest
from rich.table import Table

from mixflows.cli.output import Terminal, styled
from tests.support.command_line import COMMAND, Installation

LONG = "mixflows release 2024-01-04 --because '…' --config 'a folder/of settings/mixflows.toml'"


def test_sentences_are_whole_lines_and_tables_are_folded() -> None:
    out = StringIO()
    terminal = Terminal(file=out, width=40)
    terminal.print(LONG)
    terminal.print(styled(LONG, "bold"), "and more")
    assert out.getvalue() == f"{LONG}\n{LONG} and more\n"
    table = Table()
    table.add_column("what", overflow="fold")
    table.add_row(LONG)
    terminal.print(table)
    assert max(map(len, out.getvalue().splitlines()[2:])) == 40


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["status"], 'mixflows acknowledge 2024-01-04 --because "…" --config {file}'),
        (["doctor"], "Land files first: mixflows land FILE…"),
    ],
)
def test_a_command_prints_commands_whole_at_80_columns(words: list[str], whole: str, backfilled: Installation) -> None:
    file = backfilled.write(
        "settings-with-a-name-that-is-longer-than-a-half-of-a-line.toml", "[quality]\nmin_rows = 10\n"
    )
    if words == ["doctor"]:
        (backfilled.folder / "mixflows.duckdb").unlink()
    main, side = pty.openpty()
    with os.fdopen(main, "rb", buffering=0) as terminal:
        with os.fdopen(side, "wb") as end:
            done = subprocess.Popen(
                [*COMMAND, *words, "--config", file.name],
                cwd=backfilled.folder, env=backfilled.environment({"COLUMNS": "80", "TERM": "dumb"}), stdout=end,
            )  # fmt: skip
        shown = b""
        while chunk := _read(terminal):
            shown += chunk
    assert done.wait(60) == 0
    assert whole.format(file=file.name) in shown.decode()


def _read(terminal: RawIOBase) -> bytes:
    try:
        return terminal.read(4096) or b""
    except OSError:  # the other end is closed
        return b""
