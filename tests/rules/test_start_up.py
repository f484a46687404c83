"""The command line starts fast because it imports the heavy libraries only where it uses them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("altair", "duckdb", "great_expectations", "pandas", "prefect", "sqlglot")


def heavy_after(statement: str) -> list[str]:
    """The heavy libraries that a new interpreter has loaded after the statement."""
    program = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_command_line_starts_without_heavy_libraries() -> None:
    assert heavy_after("import mixflows.cli") == []


def test_a_heavy_library_would_be_noticed() -> None:
    assert heavy_after("import sqlglot") == ["sqlglot"]
