"""Imports go one way, in the project as it is; and each rule is seen to fail on a small tree that breaks it."""

from pathlib import Path

import pytest

from tests.rules.directions import INNER_ROOMS, violations

ROOT = Path(__file__).parents[2]

WRONG = [
    ("mixflows/model.py", "import flows.daily", "imports flows: mixflows may not"),
    ("mixflows/model.py", "from tasks import land", "imports tasks: mixflows may not"),
    ("mixflows/model.py", "import expectations", "imports expectations: mixflows may not"),
    ("mixflows/model.py", "import deployments", "imports deployments: mixflows may not"),
    ("expectations/figures.py", "from tasks.audit import audit", "imports tasks: expectations may not"),
    ("expectations/figures.py", "import flows", "imports flows: expectations may not"),
    ("tasks/stage.py", "from flows.daily import daily", "imports flows: tasks may not"),
    ("tasks/stage.py", "import deployments", "imports deployments: tasks may not"),
    ("flows/daily.py", "import deployments.serve", "imports deployments: flows may not"),
    ("flows/daily.py", "from tests.rules import directions", "imports tests: flows may not"),
    ("mixflows/days.py", "import benchmarks", "imports benchmarks: mixflows may not"),
    ("mixflows/costs/model.py", "from harness.billed import reads", "imports harness: mixflows may not"),
    ("tests/spec/test_day.py", "from benchmarks.source import opened", "imports benchmarks: tests may not"),
    ("benchmarks/day.py", "from tests.spec.project import Project", "imports tests: benchmarks may not"),
    ("harness/truth.py", "import tests", "imports tests: harness may not"),
    ("mixflows/model.py", "from mixflows.warehouse import base", "imports mixflows.warehouse: mixflows.model may not"),
    ("mixflows/ledger/runs.py", "from mixflows import pipeline", "imports mixflows.pipeline: mixflows.ledger may not"),
    ("mixflows/report/page.py", "from ..cli import run", "imports mixflows.cli: mixflows.report may not"),
    (
        "mixflows/settings/model.py",
        "import mixflows.intake.landing",
        "imports mixflows.intake: mixflows.settings may not",
    ),
    ("mixflows/model.py", "import prefect", "imports prefect: only"),
    ("expectations/figures.py", "from prefect import task", "imports prefect: only"),
    ("mixflows/report/page.py", "import prefect.artifacts", "imports prefect: only"),
    ("mixflows/pipeline/audit.py", "import great_expectations as gx", "imports great_expectations: only"),
    ("tasks/audit.py", "from great_expectations.core import result", "imports great_expectations: only"),
    ("mixflows/cli.py", "import great_expectations", "imports great_expectations: only"),
    ("mixflows/pipeline/stage.py", "import duckdb", "imports duckdb: only"),
    ("tasks/stage.py", "from duckdb import connect", "imports duckdb: only"),
    ("mixflows/pipeline/stage.py", "from google.cloud import bigquery", "imports google.cloud.bigquery: only"),
    ("flows/daily.py", "import google.cloud.bigquery as bq", "imports google.cloud.bigquery: only"),
    # However it is written:
    ("mixflows/model.py", "def late():\n    import prefect", "imports prefect: only"),
    ("mixflows/model.py", "if TYPE_CHECKING:\n    import duckdb", "imports duckdb: only"),
    ("mixflows/model.py", "importlib.import_module('prefect.states')", "imports prefect: only"),
    ("mixflows/model.py", "__import__('duckdb')", "imports duckdb: only"),
]

RIGHT = [
    ("deployments/serve.py", "import flows, tasks, expectations, mixflows, prefect"),
    ("flows/daily.py", "import tasks, expectations, mixflows, prefect"),
    ("tasks/stage.py", "import expectations, mixflows, prefect"),
    ("expectations/figures.py", "import mixflows, great_expectations, duckdb_sqlalchemy"),
    ("tests/spec/test_day.py", "import duckdb, prefect, flows, harness.truth"),
    ("mixflows/cli.py", "import flows, tasks, expectations, prefect"),
    ("mixflows/cli/run.py", "import flows, tasks, expectations, prefect"),
    ("mixflows/warehouse/duckdb.py", "import duckdb\nfrom google.cloud import bigquery"),
    ("mixflows/pipeline/stage.py", "from . import plan\nfrom ..warehouse import duckdb\nimport flowsheet, prefecture"),
]


def write(root: Path, file: str, source: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")


def test_every_room_of_mixflows_has_its_place() -> None:
    names = {
        path.stem for path in (ROOT / "mixflows").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert names - {"__init__", "__main__"} <= set().union(*INNER_ROOMS)


def test_imports_of_the_project_go_one_way() -> None:
    assert (ROOT / "mixflows" / "settings" / "model.py").is_file()
    assert violations(ROOT) == []


@pytest.mark.parametrize(("file", "source", "sentence"), WRONG)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, source: str, sentence: str) -> None:
    write(tmp_path, file, source)
    found = violations(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert sentence in found[0]


@pytest.mark.parametrize(("file", "source"), RIGHT)
def test_a_right_import_is_let_pass(tmp_path: Path, file: str, source: str) -> None:
    write(tmp_path, file, source)
    assert violations(tmp_path) == []
