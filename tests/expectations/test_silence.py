import subprocess
import sys
from pathlib import Path

SCRIPT = """
from pathlib import Path
from expectations.gate import GreatExpectationsAuditor
from mixflows.settings import Settings
from tests.expectations.staging import GOOD_ROWS, access_of, stage, staged, warehouse

with warehouse(Path({folder!r})) as connection:
    stage(connection, GOOD_ROWS)
    GreatExpectationsAuditor(Settings(), access_of(connection)).judge([staged()], check_rows=True)
"""


def test_an_audit_says_nothing_on_its_own_from_first_import_to_exit(tmp_path: Path) -> None:
    script = SCRIPT.format(folder=str(tmp_path))
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_audit_does_not_import_great_expectations() -> None:
    heavy = "{'great_expectations', 'pandas', 'duckdb', 'sqlalchemy', 'prefect'}"
    script = f"import sys, expectations.gate; print(sorted({heavy} & sys.modules.keys()))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
