"""README.md and docs/ say what the code has, and every link in them leads somewhere."""

import re
from pathlib import Path
from typing import get_args

import pytest

from docs.generate import CHART_LIBRARIES, PARTS, PICTURES, badges, chart_libraries, pages, written
from mixflows.cli.interrupt import INTERRUPTED
from mixflows.errors import MixflowsError
from mixflows.ledger.standing import BLOCKED
from mixflows.model import PlanReason, Status
from mixflows.settings.model import Key
from mixflows.warehouse.source import REASONS
from tests.support.documents import LINK, PAGES, README, anchors, quoted, section, table_rows, text_of

TERMS = (
    "Delivered copy", "Event", "Key", "Kept", "Rejected", "Held back", "Blocked", "Batch", "Landing", "Ledger",
)  # fmt: skip


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_generated_parts_are_what_the_code_says_now(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == written(text, PARTS), "run `make docs`"


@pytest.mark.parametrize("name", badges())
def test_badges_say_what_the_project_says(name: str) -> None:
    assert (PICTURES / f"badge-{name}.svg").read_text(encoding="utf-8") == badges()[name], "run `make docs`"


def test_the_reports_chart_libraries_are_those_of_the_installed_version() -> None:
    assert CHART_LIBRARIES.read_text(encoding="utf-8") == chart_libraries(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link, _ in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links {link}"


def test_every_picture_is_small() -> None:
    assert [picture.name for picture in PICTURES.glob("*.webp") if picture.stat().st_size > 150_000] == []


def test_every_path_of_the_architecture_exists() -> None:
    paths = re.findall(r"`((?:\w+/)[\w./]*)`", text_of("docs/architecture.md"))
    assert len(paths) > 40
    assert [path for path in paths if not (README.parent / path).exists()] == []


def test_every_row_of_bad_input_is_run_by_the_test_that_it_names() -> None:
    page = text_of("docs/bad-input.md")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| input |")]
    named = [LINK.findall(row)[-1] for row in rows]
    assert len(named) == len(rows) > 25
    for path, function in named:
        source = (README.parent / "docs" / path).read_text(encoding="utf-8")
        assert f"\ndef {function}(" in source, f"{path} has no {function}"


def test_concepts_are_complete() -> None:
    text = text_of("docs/concepts.md")
    defined = set(re.findall(r"\*\*([A-Z][\w ]*)\*\*|\*\*([\w ]+)\*\*", text))
    assert {term.lower() for term in TERMS} <= {(one or other).lower() for one, other in defined}
    assert {quoted(row[0]) for row in table_rows(section(text, "Why a day is processed"), "reason")} == set(PlanReason)
    assert {quoted(row[0]) for row in table_rows(section(text, "How a day ends"), "status")} == set(Status)
    reasons = section(text, "Rejection reasons")
    assert {quoted(row[0]) for row in table_rows(reasons, "reason")} == set(REASONS)
    assert {quoted(row[0]) for row in table_rows(text, "`pipeline.key`")} == set(get_args(Key))


def test_the_exit_codes_are_those_of_the_code() -> None:
    kinds = [MixflowsError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    written_codes = {int(row[0]) for row in table_rows(text_of("docs/commands.md"), "exit code")}
    assert written_codes == {0, BLOCKED, INTERRUPTED, *(kind.exit_code for kind in kinds)}


def test_the_readmes_figures_are_measured() -> None:
    benchmarks = text_of("docs/benchmarks.md")
    bullets = section(README.read_text(encoding="utf-8"), "Measured").split("\n- ")[1:]
    assert len(bullets) == 4
    for bullet in bullets:
        (name,) = re.findall(r"\]\(docs/benchmarks\.md#([\w-]+)\)", bullet)
        part = section(benchmarks, name)
        rows = {row[1]: row for row in table_rows(part, "What")}
        figures = re.findall(r"\*\*([\d.,]+ (?:×|s|MB))\*\*(?: \(limit ([\d.,]+ (?:×|s|MB)), missed\))?", bullet)
        assert figures
        for value, limit in figures:
            assert value in rows, f"{name} has no {value}"
            assert ("missed" in rows[value][-1]) == bool(limit), f"{name}: {value}"
            assert limit in ("", rows[value][2])
        for number in re.findall(r"\d[\d,]{2,}", bullet.replace("**", "")):
            assert number in part, f"{name} has no {number}"
