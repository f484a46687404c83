"""The flows `land` and `report`."""

import gzip

import pytest

from flows.land import land
from flows.report import report
from mixflows.errors import LandingError
from mixflows.intake.finding import FoundFiles
from tasks.landing import landed_state
from tests.flows.project import Project

pytestmark = pytest.mark.xdist_group("prefect")


def test_files_are_landed_and_counted(project: Project) -> None:
    files = [project.export("a.jsonl", 2, 5), project.export("b.jsonl", 1, 3, first_day=5)]
    ran = project.run(land, files=files)
    assert ran.named == ("COMPLETED", "Completed")
    assert ran.message == "2 files, 13 source rows"
    assert ran.flow_run.name == "land a.jsonl and 1 more"
    assert project.totals()["source_rows"] == 13
    assert sorted(ran.task_runs(2)) == ["land-a.jsonl", "land-b.jsonl"]


def test_a_refused_file_fails_the_run_and_lands_the_others(project: Project) -> None:
    cut = project.folder / "a-cut.jsonl.gz"
    cut.write_bytes(gzip.compress(b"{}\n" * 100)[:-9])
    ran = project.run(land, files=[str(cut), project.export("b.jsonl", 1, 3)])
    assert ran.named == ("FAILED", "Failed")
    assert "a-cut.jsonl.gz is gzip that was cut off before its end" in ran.message
    assert project.totals()["source_rows"] == 3


def test_a_message_names_some_of_many_refused_files() -> None:
    refused = [LandingError(f"{n}.jsonl is no export") for n in range(23)]
    state = landed_state([*refused, None], FoundFiles((), is_alone=False, passed_over={}))
    assert state.message
    assert "; 1 landed before; 0.jsonl is no export; " in state.message
    assert state.message.endswith("; 19.jsonl is no export; and 3 more")


def test_a_report_is_written(project: Project) -> None:
    project.land(2, 5)
    project.place.run("run", "--no-prefect")
    out = project.folder / "report.html"
    ran = project.run(report, out=str(out))
    assert ran.named == ("COMPLETED", "Completed")
    assert "2024-01-02" in out.read_text(encoding="utf-8")
    assert ran.flow_run.name == "report report.html"
    artifact = ran.artifact("mixflows-report")
    assert artifact is not None
    text = str(artifact.data)
    assert text.startswith("# The table is right up to Tue 2 Jan 2024.")
    assert "| 2024-01-02 | published | 5 | 5 | 0 |" in text


def test_a_report_to_standard_output_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    project.land(1, 5)
    ran = project.run(report, out="-")
    assert ran.named == ("FAILED", "Failed")
    assert "no standard output" in ran.message
    assert not (project.folder / "-").exists()
