"""What README.md and docs/ say, in parts that tests run: commands of shell blocks, SQL, tables, links."""

import re
import shlex
from pathlib import Path

from tests.support.command_line import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)(?: \"([^\"]*)\")?\)")


def text_of(name: str) -> str:
    """A page's text, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, those in lists too."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> list[list[str]]:
    """The words after `mixflows` of every line of shell blocks that begins with it."""
    lines = [line.strip() for block in blocks(text, "bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("mixflows ")]


def inline_commands(text: str) -> list[list[str]]:
    """The words after `mixflows` of every command that stands in a sentence; a place for a value may be left empty."""
    return [shlex.split(words) for words in re.findall(r"`mixflows ([^`\n]+)`", text)]


def table_rows(text: str, first_head: str) -> list[list[str]]:
    """The rows of the table whose first column is headed so."""
    lines = text.split(f"| {first_head} |", 1)[1].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]


def quoted(cell: str) -> str:
    """What stands first in a cell between backticks."""
    return re.findall(r"`([^`]+)`", cell)[0]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
