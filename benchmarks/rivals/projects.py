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


def build(name: str, warehouse: Path, last_day: str) -> Span:
    """`dbt build`, the whole command, up to a day.

    Args:
        name: Of the project, `original` or `tuned`.
        warehouse: The DuckDB file with the source, beside which a copy of the project works.
    """
    project = warehouse.with_name(f"dbt_{name}")
    shutil.copytree(HERE / f"dbt_{name}", project, dirs_exist_ok=True)
    words = [str(ENVIRONMENT / "bin" / "dbt"), "build", "--quiet", "--no-version-check"]
    words += ["--vars", f"{{last_day: '{last_day}'}}", "--project-dir", str(project), "--profiles-dir", str(HERE)]
    return process(words, project, environment={"WAREHOUSE": str(warehouse), "DO_NOT_TRACK": "1"})
