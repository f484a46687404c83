"""`inspect`, `release`, `explain` and `expectations`: what people look at, and what they decide."""

import json

import pytest

from tests.report.html_page import Page
from tests.support.command_line import Installation, export

BLOCKED = "2024-01-04"
WHY = "an SDK sent twice, ticket 7"


def test_a_blocked_day_is_inspected_and_released_with_its_reason(backfilled: Installation) -> None:
    found = backfilled.run("inspect", BLOCKED, "--json").json
    assert (found["state"]["status"], found["changed_since"]) == ("blocked", False)
    assert (found["facts"]["source rows"], found["facts"]["exact duplicates"]) == (60, 20)
    assert {s["reason"] for s in found["samples"]} == {"Duplicate event"}
    assert all(s["exact"] for s in found["samples"])
    shown = backfilled.run("inspect", BLOCKED).out
    assert "blocks: duplicate_rate 33.3 % (at most 1 %)" in shown
    assert backfilled.rows("SELECT count(*) FROM mp_events") == [(160,)]
    said = backfilled.run("release", BLOCKED, "--because", WHY).out
    assert f"released: {WHY}" in said
    assert backfilled.rows("SELECT count(*) FROM mp_events") == [(200,)]
    assert backfilled.rows(
        "SELECT status, plan_reason, note LIKE '%ticket 7%' FROM mp_partition_runs ORDER BY finished_at DESC LIMIT 1"
    ) == [("published", "released", True)]
    assert backfilled.run("plan", "--json").json["days"] == []
    assert "is not blocked" in backfilled.run("release", BLOCKED, "--because", WHY, code=1).err


def test_a_release_renews_the_report_which_tells_its_reason(backfilled: Installation) -> None:
    named = ("--set", "report.path=out/report.html")
    backfilled.run("release", "2024-01-01", "--because", WHY, *named, code=1)
    assert not (backfilled.folder / "out").exists()
    backfilled.run("release", BLOCKED, "--because", WHY, *named)
    page = Page((backfilled.folder / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.headings[0] == "The table is right up to Fri 5 Jan 2024."
    assert f"Released: {WHY} (33.33 % of 60 rows are duplicates (limit 1 %)" in page.text


def test_a_day_whose_source_has_changed_since_is_not_released(backfilled: Installation) -> None:
    backfilled.write("more.jsonl", export(days=1, rows=3, first_day=3))
    backfilled.run("land", "more.jsonl")
    assert "changed since the day was blocked" in backfilled.run("release", BLOCKED, "--because", WHY, code=1).err
    assert "source has changed since" in backfilled.run("inspect", BLOCKED).out
    assert backfilled.rows("SELECT count(*) FROM mp_events") == [(160,)]


@pytest.mark.parametrize(
    ("day", "why", "sentence", "code"),
    [
        (BLOCKED, " ", "without a reason", 2),
        (BLOCKED, "", "without a reason", 2),
        ("2024-01-01", WHY, "is not blocked", 1),
    ],
)
@pytest.mark.parametrize("decision", ["release", "acknowledge"])
def test_a_decision_is_refused(
    decision: str, day: str, why: str, sentence: str, code: int, backfilled: Installation
) -> None:
    assert sentence in backfilled.run(decision, day, "--because", why, code=code).err


def test_an_events_story_names_winner_and_losers(backfilled: Installation) -> None:
    backfilled.run("release", BLOCKED, "--because", WHY)
    told = backfilled.run("explain", "--insert-id", "3-7", "--json").json
    assert [(copy["place"], copy["day"], copy["exact"]) for copy in told] == [
        ("mp_events", BLOCKED, None),
        ("mp_rejected_events", BLOCKED, True),
    ]
    assert told[0]["why"].startswith("won: the first arrival")
    assert "copy 2 of its key" in backfilled.run("explain", "--insert-id", "3-7").out
    assert backfilled.run("explain", "--insert-id", "nobody", "--json", code=1).json == []


def test_an_event_of_a_blocked_day_is_found_in_the_source(backfilled: Installation) -> None:
    told = backfilled.run("explain", "--insert-id", "3-7", "--json").json
    assert [(copy["place"], copy["why"]) for copy in told] == [("source only", "its day is not published")] * 2


def test_the_gate_is_listed_explained_tried_and_exported(backfilled: Installation) -> None:
    listed = backfilled.run("expectations", "list", "--json").json["expectations"]
    assert {e["name"]: (e["warning"], e["critical"]) for e in listed}["duplicate_rate"] == (0.005, 0.01)
    assert "failed on 1 (2024-01-04)" in backfilled.run("expectations", "explain", "duplicate_rate").out
    assert "there is no expectation 'x'" in backfilled.run("expectations", "explain", "x", code=2).err
    assert "5 days: 1 blocked (2024-01-04)" in backfilled.run("expectations", "try").out
    other = backfilled.run(
        "expectations", "try", "--day", BLOCKED, "--set", "quality.duplicate_rate.critical=0.5", "--json"
    ).json
    assert [f["expectation"] for f in other[BLOCKED] if not f["success"]] == ["duplicate_rate"]
    assert [f["severity"] for f in other[BLOCKED] if not f["success"]] == ["warning"]
    backfilled.run("expectations", "export", "--out", "suites")
    suite = json.loads((backfilled.folder / "suites" / "figures.json").read_text())
    assert suite["name"] == "figures"
    assert {"duplicate_rate", "vanished_events"} <= {e["meta"]["name"] for e in suite["expectations"]}


def test_bounds_are_suggested_from_the_days_so_far(backfilled: Installation) -> None:
    assert backfilled.run("expectations", "suggest", "--json").json == []
    assert "duplicate_rate (5)" in backfilled.run("expectations", "suggest").out
    backfilled.write("more.jsonl", export(days=23, rows=40, first_day=5))
    backfilled.run("land", "more.jsonl")
    backfilled.run("backfill", "--no-prefect", code=3)
    found = {s["name"]: s for s in backfilled.run("expectations", "suggest", "--json").json}
    assert found["duplicate_rate"]["judged_days"] == 28
    assert found["duplicate_rate"]["highest"] == [BLOCKED, pytest.approx(1 / 3)]
    assert BLOCKED in found["duplicate_rate"]["blocked"]
    assert "volume_change" not in found
    assert "volume_change (" in backfilled.run("expectations", "suggest").out


def test_the_views_tell_rates_and_reasons(backfilled: Installation) -> None:
    backfilled.run("release", BLOCKED, "--because", WHY)
    rates = backfilled.rows(
        "SELECT partition_date::VARCHAR, round(duplicate_rate, 3), first_duplicate_rate = duplicate_rate, times_taken"
        " FROM mp_duplicate_rate_by_day ORDER BY duplicate_rate DESC LIMIT 1"
    )
    assert rates == [(BLOCKED, 0.333, True, 1)]
    reasons = "SELECT partition_date::VARCHAR, rejection_reason, rejected_rows, exact_copies FROM mp_rejected_by_reason"
    assert backfilled.rows(reasons) == [(BLOCKED, "Duplicate event", 20, 20)]


def test_a_report_is_written_after_each_run_where_it_is_named(landed: Installation) -> None:
    landed.run("backfill", "--no-prefect", "--set", "report.path=out/report.html", code=3)
    assert "1 day" in (landed.folder / "out" / "report.html").read_text(encoding="utf-8")
    landed.run("report", "--format", "json", "--out", "report.json", "--since", "2024-01-01")
    told = json.loads((landed.folder / "report.json").read_text(encoding="utf-8"))
    assert [day["state"] for day in told["days"]] == ["published"] * 3 + ["blocked", "published"]
    assert told["since"] == "2024-01-01T00:00:00Z"
    landed.run("report", "--format", "markdown")
    assert (landed.folder / "mixflows-report.md").read_text(encoding="utf-8").startswith("# The table")
    assert "'pdf' is no format" in landed.run("report", "--format", "pdf", code=2).err
