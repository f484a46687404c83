"""`--help` answers for every command, and README.md names the same commands, flags and settings."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from mixflows.cli.app import app
from mixflows.settings import Bounds, Settings
from tests.support.command_line import ROOT, Installation

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]


def command_lines(text: str) -> list[str]:
    """The `mixflows` lines of a text's shell blocks, without their comments."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("mixflows ")]


def long_flags(command: str) -> list[str]:
    return [flag for parameter in COMMANDS[command].params for flag in parameter.opts if flag.startswith("--")]


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting by its full name; a figure's bounds are one, since either of them may be absent."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Bounds:
            yield from settings_of(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def written_settings(text: str) -> set[str]:
    """Every setting that a TOML text writes, commented ones too; of a free table (`own`, `promote`) its name."""
    section, found = "", set[str]()
    for line in text.splitlines():
        if header := re.match(r"\[([\w.]+)\]", line):
            section = header[1]
            found.add(section)
        elif setting := re.match(r"(?:# )?(\w+) = ", line):
            found.add(f"{section}.{setting[1]}".lstrip("."))
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_each_flag(command: str, empty: Installation) -> None:
    shown = empty.run(command, "--help").out
    assert shown.startswith(f"Usage: mixflows {command} ")
    for flag in long_flags(command):
        assert flag in shown
    assert all(parameter.help for parameter in COMMANDS[command].params)


def test_help_lists_every_command_in_one_whole_line(empty: Installation) -> None:
    shown = empty.run("--help", env={"COLUMNS": "80"}).out
    listed = re.findall(r"^  (\w+) {2,}(.*)$", shown.split("Commands:")[1], flags=re.MULTILINE)
    assert [name for name, _ in listed] == list(COMMANDS)
    assert [text for _, text in listed if text.endswith("...")] == []
    assert empty.run("--version").out.startswith("mixflows ")


def test_the_readme_names_every_command_and_only_commands() -> None:
    table = README.split("| command |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `mixflows (\w+)", table, flags=re.MULTILINE) == list(COMMANDS)


def test_the_readme_names_flags_that_exist() -> None:
    table = README.split("| command |")[1].split("\n\n")[0]
    for command, flags in re.findall(r"^\| `mixflows (\w+).*?\|.*?\|(.*)\|$", table, flags=re.MULTILINE):
        assert set(re.findall(r"--[\w-]+", flags)) <= set(long_flags(command)), command


@pytest.mark.parametrize("line", command_lines(README))
def test_every_command_line_of_the_readme_is_understood(line: str) -> None:
    _, command, *words = shlex.split(line)
    COMMANDS[command].make_context(command, words)


def test_the_readmes_settings_are_all_settings_and_their_defaults() -> None:
    text = README.split("## Settings")[1].split("```toml\n")[1].split("```")[0]
    assert Settings.model_validate(tomllib.loads(text)) == Settings()
    assert set(settings_of(Settings)) - written_settings(text) == set()
