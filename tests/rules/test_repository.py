"""Nothing in the repository ties it to one machine or registry, and every dependency is pinned."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.rules.repository import forbidden_words, long_modules, repository_files, statements_without_comment

ROOT = Path(__file__).parents[2]
FILES = repository_files(ROOT)


def test_the_files_are_found() -> None:
    assert {ROOT / "pyproject.toml", ROOT / "mixflows" / "settings" / "model.py", Path(__file__)} <= set(FILES)


def test_no_forbidden_word() -> None:
    assert list(forbidden_words(ROOT, FILES)) == []


def test_no_long_module() -> None:
    assert list(long_modules(ROOT, FILES)) == []


def test_every_statement_says_its_grain() -> None:
    assert list(statements_without_comment(ROOT, FILES)) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see https://pypi" + ".org/project/x", "registry"),
        ("open('/wo" + "rk/shared/data')", "machine"),
        ("cd /ro" + "ot/x", "machine"),
        ("# TO" + "DO: later", "undone"),
        ("done \N{SPARKLES}", "emoji"),
        ("done \N{WHITE HEAVY CHECK MARK}", "emoji"),
    ],
)
def test_a_forbidden_word_is_found(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"fine\n{text}\n", encoding="utf-8")
    (found,) = forbidden_words(tmp_path, [file])
    assert found.startswith("notes.md:2 has ")
    assert what in found


@pytest.mark.parametrize("text", ["../network/file", "days × expectations → report …", "a to-do list", "example.org"])
def test_an_innocent_word_is_let_pass(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.md"
    file.write_text(text, encoding="utf-8")
    assert list(forbidden_words(tmp_path, [file])) == []


def test_a_long_module_and_a_bare_statement_are_found(tmp_path: Path) -> None:
    module, statement = tmp_path / "long.py", tmp_path / "bare.sql"
    module.write_text("x = 1\n" * 400, encoding="utf-8")
    statement.write_text("SELECT 1", encoding="utf-8")
    assert len(list(long_modules(tmp_path, [module, statement]))) == 1
    assert len(list(statements_without_comment(tmp_path, [module, statement]))) == 1


def test_without_git_the_files_are_found_by_walking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name in ("kept.py", ".venv/left.py", "a/__pycache__/left.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert repository_files(tmp_path) == [tmp_path / "kept.py"]


def pins() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    pinned = pins().get(canonicalize_name(requirement.name), [])
    assert pinned, f"{requirement.name} is not in constraints.txt: run `make constraints`"
    for pin in pinned:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(exact.version), (
            f"{pin} is outside of {requirement}: run `make constraints`"
        )


def test_every_pin_is_exact() -> None:
    loose = [str(pin) for group in pins().values() for pin in group if not str(pin.specifier).startswith("==")]
    assert loose == []
