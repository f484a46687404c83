"""The process that judges: it says what this one would say, and its end is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from expectations import gate
from expectations.elsewhere import JudgingProcess
from mixflows.errors import DayError, SettingsError
from mixflows.model import Verdict
from mixflows.settings import Settings
from mixflows.warehouse.base import RowAccess
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse
from tests.expectations.staging import DAY, GOOD_ROWS, STAGE, access_of, days_from, stage, staged, warehouse

ROOT = Path(__file__).parents[2]
BAD_ROWS = (*GOOD_ROWS, ("Open", "u3", "b", "2024-08-01 12:00:00", 1, None), ("Open", "u4", "e", None, 1, "no reason"))


@pytest.fixture(scope="module")
def judging() -> Iterator[JudgingProcess]:
    process = JudgingProcess()
    yield process
    process.end()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path) as opened:
        stage(opened, BAD_ROWS)
        yield opened


def judge(judging: JudgingProcess, access: RowAccess, settings: Settings | None = None, **changes: Any) -> Verdict:
    return judging.judge(settings or Settings(), [staged(**changes)], check_rows=True, access=access)[DAY]


def own_suite(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    """Settings with a suite of the user's own, in the current folder."""
    name = f"own_{folder.name}".replace("-", "_")
    (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    return Settings.model_validate({"quality": {"rows_suites": [f"{name}:suite"]}})


def running(judging: JudgingProcess) -> psutil.Process:
    judging.begin()
    assert judging._process
    return psutil.Process(judging._process.pid)


def test_verdicts_are_those_of_this_process(judging: JudgingProcess, connection: duckdb.DuckDBPyConnection) -> None:
    days = [
        staged({"duplicate_rows": 500}),
        *(staged(day=day, stage_table=f"no_{day}") for day in list(days_from(DAY, 3))[1:]),
    ]
    access = access_of(connection)
    elsewhere = judging.judge(Settings(), days, check_rows=True, access=access)
    assert elsewhere == gate.judge(Settings(), days, check_rows=True, access=access)
    failed = {finding.expectation for finding in elsewhere[DAY].findings if not finding.success}
    assert failed == {
        "duplicate_rate",
        "kept_keys_unique",
        "kept_time_not_null",
        "kept_without_reason",
        "rejection_reason_known",
    }
    assert all("rows_audited" in str(elsewhere[day].failures) for day in list(days_from(DAY, 3))[1:])


def test_this_process_does_without_what_only_the_other_needs(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from expectations.elsewhere import judging_process
from mixflows.settings import Settings
from tests.expectations.staging import GOOD_ROWS, access_of, stage, staged, warehouse
with warehouse(Path({str(tmp_path)!r})) as opened:
    stage(opened, GOOD_ROWS)
    verdicts = judging_process.judge(Settings(), [staged()], check_rows=True, access=access_of(opened))
assert len(verdicts) == 1
print([name for name in ("sqlalchemy", "great_expectations", "pandas") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"


def test_a_staged_day_is_narrowed_by_the_process_that_holds_the_file(judging: JudgingProcess, tmp_path: Path) -> None:
    settings = Settings.model_validate({"warehouse": {"path": str(tmp_path / "mixflows.duckdb")}})
    engine = DuckDBWarehouse(settings)
    engine._execute(
        f"CREATE TABLE mixflows_staging.main.\"{STAGE}\" AS SELECT 'Open' AS mp_event_name, 'u' AS distinct_id,"
        " 'a' AS mp_insert_id, TIMESTAMPTZ '2024-08-01 12:00:00+00' AS time, 1 AS row_num,"
        " CAST(NULL AS VARCHAR) AS rejection_reason FROM range(2)",
        {},
    )
    try:
        found = judge(judging, engine.row_access(), settings)
        assert [f.expectation for f in found.findings if not f.success] == ["kept_keys_unique"]
        assert not engine._execute("SELECT 1 FROM duckdb_tables() WHERE table_name LIKE '%narrow'", {})
    finally:
        engine.close()


def test_what_a_suite_raises_and_prints_comes_back_as_it_would_here(
    judging: JudgingProcess,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    text = "def suite(thresholds):\n    print('hello')\n    return thresholds.own_bounds('x')\n"
    with pytest.raises(SettingsError, match="asks for the bounds 'x'") as refused:
        judge(judging, access_of(connection), own_suite(tmp_path, monkeypatch, text))
    assert refused.value.hint == "Add [quality.own.x] with warning, critical or both."
    (tmp_path / "leaves").mkdir()
    with pytest.raises(SystemExit, match="enough"):
        judge(
            judging,
            access_of(connection),
            own_suite(tmp_path / "leaves", monkeypatch, "raise SystemExit('enough')"),
        )
    assert judge(judging, access_of(connection)).findings
    assert capfd.readouterr().out == ""


def test_a_suite_may_import_what_great_expectations_went_without(
    judging: JudgingProcess, connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import sys\n"
        "found = [name for name in ('google', 'sqlalchemy_bigquery') if name in sys.modules]\n"
        "from google.cloud import bigquery\n\n"
        "def suite(thresholds):\n    raise ValueError(f'{found} {bigquery.Client.__name__}')\n"
    )
    with pytest.raises(SettingsError, match=r"ValueError: \[\] Client"):
        judge(judging, access_of(connection), own_suite(tmp_path, monkeypatch, text))


def test_an_error_that_cannot_be_sent_is_told_in_its_words(
    judging: JudgingProcess, connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Own(BaseException):\n    def __init__(self, a, b): super().__init__(a)\n\nraise Own('odd', 2)\n"
    with pytest.raises(RuntimeError, match="Own: odd"):
        judge(judging, access_of(connection), own_suite(tmp_path, monkeypatch, text))


@pytest.mark.parametrize("when", ["before it is asked", "while it waits for rows"])
def test_its_end_is_told_and_the_next_judgement_starts_another(
    connection: duckdb.DuckDBPyConnection, when: str
) -> None:
    judging = JudgingProcess()
    access = access_of(connection)

    class Killing:
        def __init__(self) -> None:
            if when == "before it is asked":
                self.kill()

        def kill(self) -> None:
            assert judging._process
            judging._process.kill()
            judging._process.wait(10)

        def execute(self, sql: str, params: object) -> duckdb.DuckDBPyConnection:
            self.kill()
            return connection.cursor().execute(sql, params)

        def close(self) -> None:
            pass

    try:
        process = running(judging)
        with pytest.raises(DayError, match=r"came to an end \(exit code -9\)"):
            judge(judging, RowAccess(access.connection_string, access.schema_name, {"creator": Killing}))
        assert judge(judging, access).findings
        assert running(judging).pid != process.pid
    finally:
        judging.end()


def test_a_judgement_that_is_stopped_leaves_no_answer_behind(connection: duckdb.DuckDBPyConnection) -> None:
    judging = JudgingProcess()
    access = access_of(connection)

    class Stopped:
        def execute(self, sql: str, params: object) -> None:
            raise KeyboardInterrupt

        def close(self) -> None:
            pass

    try:
        with pytest.raises(KeyboardInterrupt):
            judge(judging, RowAccess(access.connection_string, access.schema_name, {"creator": Stopped}))
        fine = judging.judge(Settings(), [staged(day=DAY)], check_rows=False, access=access)
        assert not fine[DAY].failures
    finally:
        judging.end()


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_it_ends_when_this_process_is_killed(tmp_path: Path) -> None:
    (tmp_path / "expectations").mkdir()  # a folder of the user's, no package of ours
    (tmp_path / "expectations" / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    script = (
        f"import sys; sys.path[:] = {[path for path in sys.path if path]!r}\n"
        "from expectations.elsewhere import judging_process\n"
        "from tests.expectations.staging import access_of, staged, warehouse\n"
        "from mixflows.settings import Settings\nimport pathlib, sys\n"
        "with warehouse(pathlib.Path('.')) as opened:\n"
        "    judging_process.judge(Settings(), [staged()], check_rows=False, access=access_of(opened))\n"
        "    print(judging_process._process.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
