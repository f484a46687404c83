"""`--help` answers for every command, with examples; every command line of README.md and docs/ is understood."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from mixflows.cli.app import app
from mixflows.cli.examples import EXAMPLES
from tests.support.command_line import Installation
from tests.support.documents import PAGES, command_lines, inline_commands

ROOT_COMMAND: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = ROOT_COMMAND.commands


def with_inner(commands: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command and sub-command, by the words after `mixflows`."""
    for name, command in commands.items():
        yield f"{path}{name}", command
        yield from with_inner(getattr(command, "commands", {}), f"{path}{name} ")


ALL = dict(with_inner(COMMANDS))


def understood(words: list[str]) -> None:
    """Parses a command line as the command would; wrong usage raises."""
    command, context = ROOT_COMMAND, None
    while inner := getattr(command, "commands", {}):
        command, words = inner[words[0]], words[1:]
    context = command.make_context("mixflows", words)
    assert context.params.keys() == {parameter.name for parameter in command.params}


@pytest.mark.parametrize("command", ["", *ALL])
def test_every_command_explains_itself_and_each_flag_and_has_examples(command: str, empty: Installation) -> None:
    shown = empty.run(*command.split(), "--help").out
    assert shown.startswith(f"Usage: mixflows {command}".rstrip() + " ")
    parameters = ALL[command].params if command else []
    for parameter in parameters:
        assert parameter.help
        assert all(flag in shown for flag in parameter.opts if flag.startswith("--"))
    lines = [line.strip() for line in shown.split("Examples:\n")[1].splitlines() if line.strip()]
    assert [shlex.split(line, comments=True) for line in lines] == [shlex.split(line) for line, _ in EXAMPLES[command]]
    for line in lines:
        assert line.startswith(f"mixflows {command}")
        understood(shlex.split(line, comments=True)[1:])


def test_help_lists_every_command_in_one_whole_line(empty: Installation) -> None:
    for group, commands in (((), COMMANDS), (("expectations",), COMMANDS["expectations"].commands)):
        shown = empty.run(*group, "--help", env={"COLUMNS": "80"}).out
        listed = re.findall(
            r"^  (\w+) {2,}(.*)$", shown.split("Commands:")[1].split("Examples:")[0], flags=re.MULTILINE
        )
        assert [name for name, _ in listed] == list(commands)
        assert [text for _, text in listed if text.endswith("...")] == []
    assert empty.run("--version").out.startswith("mixflows ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_line_of_a_page_is_understood(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    for words in command_lines(text):
        understood(words)
    for words in inline_commands(text):
        name = " ".join(words[:2]) if " ".join(words[:2]) in ALL else words[0]
        flags = {flag for parameter in ALL[name].params for flag in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= flags | {"--help"}, words
