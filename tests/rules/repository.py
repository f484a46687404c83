"""What must not stand in any file of the repository, and what each kind of file must have.

The forbidden words are put together from halves, so that this file does not contain them.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

LONGEST_MODULE_LINES = 400

REGISTRY_HOSTS = tuple(
    host + end
    for host, end in (
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("registry.npmjs", ".org"),
        ("registry.yarnpkg", ".com"),
        ("deb.debian", ".org"),
        ("archive.ubuntu", ".com"),
        ("conda.anaconda", ".org"),
    )
)

EMOJI = re.compile(
    "[\U0001f000-\U0001faff\ufe0f\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a0\u26a1"
    "\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c"
    "\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55]"
)

FORBIDDEN = {
    "a registry's host": re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS), re.IGNORECASE),
    "a path of one machine": re.compile(r"(?<![\w.~-])/(?:work|root|home|Users|tmp/w)/"),
    "work left undone": re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b"),
    "an emoji": EMOJI,
}

NOT_OURS = {".git", ".venv", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache", "build", "dist"}


def repository_files(root: Path) -> list[Path]:
    """Every file that is or would be tracked; without git, every file but the caches and the environment."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return sorted(p for p in root.rglob("*") if p.is_file() and not NOT_OURS & set(p.relative_to(root).parts))
    files = (root / name for name in listed.stdout.split("\0") if name)
    return sorted(path for path in files if path.is_file())


def text_of(path: Path) -> str | None:
    """The text of a file; None where it is none, as a picture or a compressed sample."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


def forbidden_words(root: Path, files: list[Path]) -> Iterator[str]:
    for path in files:
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1):
            for what, pattern in FORBIDDEN.items():
                if found := pattern.search(line):
                    yield f"{path.relative_to(root)}:{number} has {what}: {found.group()!r}"


def long_modules(root: Path, files: list[Path]) -> Iterator[str]:
    for path in files:
        lines = len((text_of(path) or "").splitlines())
        if path.suffix == ".py" and lines >= LONGEST_MODULE_LINES:
            yield f"{path.relative_to(root)} has {lines} lines: fewer than {LONGEST_MODULE_LINES} are allowed"


def statements_without_comment(root: Path, files: list[Path]) -> Iterator[str]:
    for path in files:
        if path.suffix == ".sql" and not (text_of(path) or "").startswith(("--", "/*", "{#")):
            yield f"{path.relative_to(root)} does not start with a comment that says its grain, inputs and order"
