"""dbt-duckdb in an environment of its own, made once per machine, and its two projects."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.timed_run import Span, process

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent.parent / ".venv-dbt"
# dbt-core 1.12 downloads a part of itself while it is built.
PACKAGES = ("dbt-core<1.12", "dbt-duckdb==1.11.1", "duckdb>=2.0,<3")


class DbtMissingError(Exception):
    """dbt cannot be installed here."""


def install() -> None:
    """Makes the environment, unless it is there.

    Raises:
        DbtMissingError: With pip's last words.
    """
    if (ENVIRONMENT / "installed").is_file():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*pip, "install", "--quiet", *PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DbtMissingError(done.stderr.strip().splitlines()[-1])
    (ENVIRONMENT / "installed").touch()


def versions() -> str:
    """What is installed there, with its DuckDB."""
    names = ("dbt-core", "dbt-duckdb", "duckdb")
    script = f"from importlib.metadata import version; print(*(f'{{n}} {{version(n)}}' for n in {names}), sep=', ')"
    python = str(ENVIRONMENT / "bin" / "python")
    return subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


class DbtProject:
    """One of the projects over one warehouse.

    Args:
        name: `original` or `tuned`.
        folder: For a copy of the project and what dbt writes.
        warehouse: The DuckDB file with the source.
    """

    def __init__(self, name: str, folder: Path, warehouse: Path) -> None:
        self._project = folder / f"dbt_{name}"
        self._warehouse = warehouse
        shutil.copytree(HERE / f"dbt_{name}", self._project, dirs_exist_ok=True)

    def build(self, last_day: str) -> Span:
        """`dbt build`, the whole command, up to a day."""
        words = [str(ENVIRONMENT / "bin" / "dbt"), "build", "--quiet", "--no-version-check"]
        words += ["--vars", f"{{last_day: '{last_day}'}}", "--project-dir", str(self._project)]
        words += ["--profiles-dir", str(self._project)]
        return process(words, self._project, environment={"WAREHOUSE": str(self._warehouse), "DO_NOT_TRACK": "1"})
