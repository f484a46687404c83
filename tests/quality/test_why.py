"""Why a day is blocked or flagged: one sentence, the same wherever the day is shown; and what carries the fault."""

from dataclasses import replace

import pytest

from mixflows.ledger.profiles import read_profiles
from mixflows.ledger.standing import flagged_days, standing_days
from mixflows.model import Run
from mixflows.pipeline.inspect import inspect_day
from mixflows.profile.breakdown import Breakdown, Counts
from mixflows.profile.drift import Drift
from mixflows.profile.profile import Profile, Tally
from mixflows.profile.why import carriers, why
from mixflows.report.data import collect
from mixflows.verdict import Finding, Severity
from tests.spec.project import Project
from tests.spec.tables import DAY

CRITICAL = Finding("figures", "duplicate_rate", Severity.CRITICAL, success=False, observed_value=0.04, threshold=0.01)
WARNING = replace(CRITICAL, severity=Severity.WARNING, threshold=0.005)
FEW_ROWS = {"min_rows": 1, "row_checks": "never"}

COPIES = """
event | user | id | time  | arrival | properties
Open  | u1   | a  | 10:00 | 10:01   | {"mp_lib": "web", "$os": "Windows", "plan": "gold"}
Open  | u1   | a  | 10:00 | 10:02   | {"mp_lib": "web", "$os": "Windows", "plan": "gold"}
Open  | u1   | a  | 10:00 | 10:03   | {"mp_lib": "web", "$os": "Linux", "plan": "gold"}
Buy   | -    | b  | 12:00 | 12:01   | {"mp_lib": "ios", "plan": "free"}
Buy   | u1   | c  | 13:00 | 13:01   | {"mp_lib": "ios", "plan": "free"}
Buy   | u1   | -  | 14:00 | 14:01   | {"mp_lib": "ios", "plan": "free"}
"""


@pytest.fixture
def blocked(project: Project) -> Project:
    project.set(quality=FEW_ROWS)
    project.deliver(COPIES)
    assert project.run_judged().exit_code == 3
    return project


def hours(**duplicates: int) -> dict[str, Counts]:
    return {f"{hour:02d}:00": Counts(100, duplicates.get(f"h{hour}", 0)) for hour in range(24)}


def test_a_day_that_passes_needs_no_sentence() -> None:
    assert why([replace(CRITICAL, success=True)], 100) == ""


def test_the_gravest_finding_comes_first_in_any_order_of_findings() -> None:
    volume = Finding("figures", "volume_change", Severity.WARNING, success=False, observed_value=3.0, threshold=1.75)
    found = {why(findings, 1000) for findings in ([WARNING, volume, CRITICAL], [CRITICAL, WARNING, volume])}
    assert found == {"4.00 % of 1,000 rows are duplicates (limit 1 %); also failed: volume change"}


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({"Open": 310, "Buy": 2100}, "Buy: 2,100 rows, usually 200"),
        ({"Open": 310}, "Buy: 0 rows, usually 200"),
        ({"Open": 300, "Buy": 200, "New": 900}, "New: 900 rows, usually 0"),
        ({"Open": 150, "Buy": 100, "View": 150, "Search": 200}, None),  # all of them half as many
        ({"Open": 300, "Buy": 200, "View": 300, "Search": 400}, None),
    ],
)
def test_a_changed_volume_names_the_event_that_carries_it(rows: dict[str, int], named: str | None) -> None:
    usual = {"Open": 300, "Buy": 200} | ({"View": 300, "Search": 400} if "View" in rows else {})
    past = [Profile(sum(usual.values()), events={name: Tally(n + 5, 5) for name, n in usual.items()})] * 7
    day = Profile(sum(rows.values()), events={name: Tally(n + 9, 9) for name, n in rows.items()})
    assert Drift.of(day, 0, past, []).notes.get("volume_change") == named


def test_what_has_more_of_the_fault_than_of_the_rows_carries_it() -> None:
    day = Breakdown({
        "event": {"Page Viewed": Counts(900, 90), "Buy": Counts(100, 10)},  # as frequent as it is among the rows
        "mp_lib": {"web": Counts(600, 0), "ios": Counts(400, 100)},
        "$os": {"iOS": Counts(380, 95), "Windows": Counts(620, 5)},  # another word for the library
        "hour": hours(h9=2, h14=60, h15=38),
    })  # fmt: skip
    assert [(c.part, c.name, c.share) for c in carriers(day, "duplicates")] == [
        ("hour", "14:00 to 16:00", 0.98),
        ("mp_lib", "ios", 1.0),
        ("$os", "iOS", 0.95),
    ]
    assert why([CRITICAL], 1000, day).endswith("98 % of them from 14:00 to 16:00 and all of them from library ios")


def test_where_nothing_stands_out_it_says_so() -> None:
    even = Breakdown(
        {"event": {"a": Counts(50, 5), "b": Counts(50, 5)}, "hour": hours(**{f"h{n}": 1 for n in range(24)})}
    )
    assert why([CRITICAL], 100, even).endswith("; no event name or hour stands out")


def test_a_day_is_broken_down_and_hidden_values_stay_hidden(blocked: Project) -> None:
    blocked.set(quality={"origins": ["mp_lib", "plan"]})
    found = inspect_day(blocked.context(Run("look")), DAY, blocked.auditor()).breakdown.parts
    assert list(found) == ["event", "mp_lib", "plan", "hour", "file"]
    assert found["event"] == {
        "Open": Counts(3, duplicates=2, conflicting=1),
        "Buy": Counts(3, missing_insert_id=1, identity_missing=1),
    }
    assert found["mp_lib"] == {"web": found["event"]["Open"], "ios": found["event"]["Buy"]}
    assert list(found["plan"]) == ["value 1", "value 2"]
    assert found["hour"]["10:00"] == found["event"]["Open"]
    assert {name: counts.rows for name, counts in found["file"].items()} == {"export-1.jsonl": 6}


def test_every_surface_says_the_same_sentence_and_the_breakdown_is_stored(blocked: Project) -> None:
    (standing,) = standing_days(blocked.warehouse)
    looked = inspect_day(blocked.context(Run("look")), DAY, blocked.auditor())
    (day,) = collect(blocked.warehouse, blocked.settings).days
    assert {standing.why, looked.why, day.why, blocked.ledger()[-1]["note"]} == {standing.why}
    assert "all of them from library web" in standing.why
    assert {sample.insert_id for sample in day.samples} == {"a", ""}

    stored = read_profiles(blocked.warehouse)[DAY].breakdown
    assert stored is not None
    assert Breakdown.of_record(stored.to_record()) == stored == looked.breakdown


def test_a_flagged_day_says_why_too(project: Project) -> None:
    lax = {"warning": 0.1, "critical": "none"}
    project.set(quality=FEW_ROWS | {"duplicate_rate": lax, "missing_insert_id_rate": lax})
    project.deliver(COPIES)
    project.run_judged()
    count, (flagged,) = flagged_days(project.warehouse, (), 3)
    (day,) = collect(project.warehouse, project.settings).days
    assert count == 1
    assert flagged.why == day.why == project.ledger()[-1]["note"] != ""


@pytest.mark.parametrize(
    ("engines", "policy"), [("duckdb", "reject"), ("duckdb", "keep"), ("bigquery", "keep")], indirect=["engines"]
)
def test_the_copied_statement_selects_the_rows_that_a_run_rejects(project: Project, policy: str) -> None:
    project.set(quality=FEW_ROWS, pipeline={"missing_insert_id": policy})
    project.deliver(COPIES)
    assert project.run_judged().exit_code == 3
    held_back = project.warehouse.query("held_back_of_days", days=[DAY])
    assert len(held_back) == project.ledger()[-1]["rejected_rows"]
    project.run("all")
    published = project.warehouse.query("rejected_of_days", days=[DAY])
    ids = sorted((str(row["mp_insert_id"]), row["rejection_reason"] or "Duplicate event") for row in held_back)
    assert ids == sorted((str(row["mp_insert_id"]), row["rejection_reason"]) for row in published)
