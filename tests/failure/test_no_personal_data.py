"""What failed is told without a value of any row: no id and no property in logs, errors or reports."""

import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.failure.commands import environment, mixflows
from tests.failure.conftest import Yard
from tests.failure.exports import DAYS, line, write_export
from tests.support.command_line import Ended

MARKER = "Zq7private"
UNREADABLE, DUPLICATED, OUTSIDE = DAYS[0], DAYS[1], DAYS[1] + timedelta(days=1)
INSERT_IDS = re.compile(rf"\bid-{MARKER}\w*")
"""Samples have them, so that `explain` can follow: in reports, looks and profiles, and nowhere else."""
HOLD_EVENTS = {"raw_events", "mp_master_event", "mp_events", "mp_rejected_events", "mp_malformed_records"}

# A source that cannot be read on one day: DuckDB's own message quotes the value.
UNREADABLE_SOURCE = f"""
ALTER TABLE mp_master_event RENAME TO raw_events;
INSERT INTO raw_events BY NAME
  SELECT * REPLACE ('infinity'::TIMESTAMPTZ AS time) FROM raw_events WHERE mp_insert_id = 'id-{MARKER}outside';
CREATE VIEW mp_master_event AS SELECT * REPLACE (
  CASE WHEN mp_insert_id = 'id-{MARKER}unreadable' THEN CAST(distinct_id AS BIGINT) ELSE mp_processing_time_ms END
  AS mp_processing_time_ms) FROM raw_events
"""
SETTINGS = """
[quality]
min_rows = 0
row_checks = "always"
[landing.promote]
customer_id = "INT64"
"""

BORDER = "what the flows say"
THROUGH_PREFECT = f"""
import sys
from contextlib import nullcontext
from datetime import date
from mixflows.cli import run_command
code = run_command()
for stream in (sys.stdout, sys.stderr):
    print("{BORDER}", file=stream, flush=True)

from deployments.prefect_server import connected
from flows.inspect_day import inspect
from flows.release_day import release
from flows.report import report
with connected(nullcontext()):
    inspect(date({DUPLICATED:%Y, %-m, %-d}), config="mixflows.toml")
    if inspect(date({UNREADABLE:%Y, %-m, %-d}), config="mixflows.toml", return_state=True).is_failed():
        print("a look that fails")
    release(date({DUPLICATED:%Y, %-m, %-d}), "looked at", config="mixflows.toml")
    report("flow.html", config="mixflows.toml")
sys.exit(code)
"""
"""A command, and then flows that people ask for: two looks, of which one fails; a release; a report."""


def events() -> list[str]:
    """Three days, each with something wrong, and lines that are no events; every value has the marker."""

    def marked(day: date, name: str, **properties: object) -> str:
        values = {"page": f"{MARKER}9", "customer_id": MARKER, f"{MARKER}_property": 1}
        return line(day, f"{MARKER}{name}", properties=values | properties)

    return [
        marked(UNREADABLE, "unreadable"),
        marked(UNREADABLE, "fine"),
        *[marked(DUPLICATED, "twice", page=f"{MARKER}{n}", plan=f"{MARKER} plan {n}") for n in range(9)],
        marked(OUTSIDE, "outside"),
        marked(OUTSIDE, "timeless", time=MARKER),
        f"{MARKER} no JSON",
        f'{{"event": "{MARKER}"}}',
        f'["{MARKER}"]',
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Yard, list[str]]:
    """The yard, and everything that landing said."""
    yard = Yard(tmp_path_factory.mktemp("private"))
    (yard.folder / "mixflows.toml").write_text(SETTINGS, encoding="utf-8")
    write_export(yard.folder / "good.jsonl", events())
    write_export(yard.folder / "cut.jsonl", [*events(), "terminated early"])
    other_unit = [text.replace('"time": 1', '"time": 1000001') for text in events()]
    write_export(yard.folder / "milliseconds.jsonl", other_unit)
    said = [check(mixflows(yard.path, "land", "good.jsonl"), 0)]
    said += [check(mixflows(yard.path, "land", f"{name}.jsonl"), 1) for name in ("good", "cut", "milliseconds")]
    said.append(check(mixflows(yard.path, "land", "good.jsonl", "--again", "--json"), 0))
    yard.execute(UNREADABLE_SOURCE)
    return yard, said


def check(ended: Ended, code: int) -> str:
    """It ended so; returns all that it said."""
    assert ended.code == code, ended
    return ended.out + ended.err


def check_tables(yard: Yard, *duplicated: str) -> None:
    """No table but those that hold events has the marker; the three days failed for their three reasons."""
    assert len(yard.execute(f"SELECT * FROM mp_malformed_records WHERE raw_line LIKE '%{MARKER}%'")) == 8
    tables = {name for (name,) in yard.execute("SELECT table_name FROM duckdb_tables()")}
    assert len(tables - HOLD_EVENTS) >= 3
    for table in tables - HOLD_EVENTS:
        told = str(yard.execute(f"SELECT * FROM {table}"))
        assert MARKER not in (INSERT_IDS.sub("", told) if table == "mp_day_profiles" else told), table
    last = yard.execute(
        "SELECT DISTINCT ON (partition_date) partition_date, status, error, note FROM mp_partition_runs"
        " ORDER BY partition_date, finished_at DESC"
    )
    assert [(day, status) for day, status, *_ in last if day != DUPLICATED] == [
        (UNREADABLE, "failed"),
        (OUTSIDE, "blocked"),
    ]
    assert last[1][1] in duplicated
    assert "ConversionException" in last[0][2]
    assert "are duplicates" in last[1][3]
    rows_failed = "SELECT 1 FROM mp_quality_results WHERE suite = 'rows' AND NOT success"
    assert yard.execute(rows_failed)


def test_without_prefect(told: tuple[Yard, list[str]]) -> None:
    yard, said = told
    for words in (("--no-prefect",), ("--no-prefect", "--json", "--mode", "all")):
        said.append(check(mixflows(yard.path, "backfill", *words), 1))
    for words in (("plan",), ("plan", "--json"), ("status",), ("status", "--json"), ("report", "--out", "report.html")):
        said.append(check(mixflows(yard.path, *words), 0))
    for kind in ("json", "markdown"):
        said.append(check(mixflows(yard.path, "report", "--format", kind, "--out", f"report.{kind}"), 0))
    looked = [(yard.folder / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "json", "markdown")]
    for day in (DUPLICATED, OUTSIDE):
        looked += [check(mixflows(yard.path, "inspect", str(day), *more), 0) for more in ((), ("--json",))]
    assert "page: hidden | hidden" in looked[-4]
    assert INSERT_IDS.search(looked[0])
    assert INSERT_IDS.search(looked[-4])
    said += [INSERT_IDS.sub("", text) for text in looked]
    for words in (("try",), ("try", "--day", str(DUPLICATED)), ("suggest",), ("explain", "duplicate_rate")):
        said.append(check(mixflows(yard.path, "expectations", *words), 0))
    said.append(check(mixflows(yard.path, "release", str(DUPLICATED), "--because", "looked at"), 0))
    assert all(said)
    for text in said:
        assert MARKER not in text
    check_tables(yard, "published", "unchanged")


@pytest.mark.xdist_group("prefect")
def test_with_prefect(told: tuple[Yard, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its log, with a traceback of what failed, nor what its server keeps of the run."""
    yard, _ = told
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    done = subprocess.run(
        [sys.executable, "-c", THROUGH_PREFECT, "backfill", "--mode", "all", "--verbose"],
        capture_output=True, text=True, check=False, cwd=yard.folder, env=environment(yard.path), timeout=240,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert MARKER not in done.stdout + done.stderr
    backfill, flows = zip(*(said.split(f"{BORDER}\n") for said in (done.stdout, done.stderr)), strict=True)
    assert "Traceback" in backfill[1]
    assert "stage 2024-08-01" in backfill[1]
    assert "".join(flows).count("Finished in state Completed") >= 3
    assert "a look that fails" in flows[0]
    assert yard.tables().status_of(str(DUPLICATED))[-2] == "blocked"
    assert MARKER not in INSERT_IDS.sub("", (yard.folder / "flow.html").read_text(encoding="utf-8"))
    kept = [file for folder, _, names in os.walk(tmp_path / "prefect") for file in map(Path(folder).joinpath, names)]
    assert any(file.suffix == ".db" for file in kept)
    for file in kept:
        assert MARKER.encode() not in file.read_bytes(), file
    check_tables(yard, "published", "unchanged")


def test_only_the_property_that_may_be_shown_is(told: tuple[Yard, list[str]]) -> None:
    """Its values are `Zq7private0` to `Zq7private9`; all others have the marker in other words."""
    yard, _ = told
    allow = ("--set", 'quality.shown_properties=["page"]', "--set", 'quality.origins=["page", "plan"]')
    said = [check(mixflows(yard.path, "backfill", "--no-prefect", "--mode", "all", *allow), 1)]
    said += [check(mixflows(yard.path, "inspect", str(DUPLICATED), *more, *allow), 0) for more in ((), ("--json",))]
    for kind in ("html", "json", "markdown"):
        said.append(check(mixflows(yard.path, "report", "--format", kind, "--out", f"shown.{kind}", *allow), 0))
        said.append((yard.folder / f"shown.{kind}").read_text(encoding="utf-8"))
    shown = [text for text in said if re.search(rf"{MARKER}\d", text)]
    assert len(shown) >= 4  # both looks, the page and its figures
    for text in said:
        assert MARKER not in re.sub(rf"{MARKER}\d", "", INSERT_IDS.sub("", text))
