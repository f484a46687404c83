"""`plan`, `run`, `backfill`, `status` and `report`: what they do, print and return."""

import json
import socket

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.support.command_line import Installation, days_of, export

DAYS = [f"2024-01-0{n}" for n in range(1, 6)]
BLOCKED = "2024-01-04"


def test_a_plan_names_each_day_and_why_and_writes_nothing(landed: Installation) -> None:
    planned = landed.run("plan", "--json").json
    assert [(d["day"], d["reason"], d["source_rows"]) for d in planned["days"]] == [
        (day, "new", 60 if day == BLOCKED else 40) for day in DAYS
    ]
    assert planned["rows_without_day"] == 0
    assert landed.rows("SELECT count(*) FROM mp_partition_runs") == [(0,)]
    assert "5 days to process, 220 source rows, 220 of them new." in landed.run("plan").out


def test_a_range_and_the_order_of_days_are_the_plans(landed: Installation) -> None:
    asked = ("--start", "2024-01-02", "--end", "2024-01-04", "--newest-first", "--json")
    planned = landed.run("plan", *asked).json
    assert days_of(planned["days"]) == ["2024-01-04", "2024-01-03", "2024-01-02"]
    dry = landed.run("backfill", "--dry-run", *asked).json
    assert dry["days"] == planned["days"]
    assert landed.rows("SELECT count(*) FROM mp_partition_runs") == [(0,)]


def test_a_blocked_day_is_exit_code_3_and_the_others_are_published(backfilled: Installation) -> None:
    assert [day for day, _ in backfilled.published()] == [day for day in DAYS if day != BLOCKED]
    again = backfilled.run("backfill", "--no-prefect", "--mode", "blocked", "--json", code=3).json
    (day,) = again["days"]
    assert (day["partition_date"], day["status"], day["plan_reason"]) == (BLOCKED, "blocked", "requested")
    (failed,) = [f for f in day["failed_expectations"] if f["severity"] == "critical"]
    assert (failed["expectation"], failed["threshold"]) == ("duplicate_rate", 0.01)
    assert failed["observed_value"] == pytest.approx(1 / 3)
    assert again["exit_code"] == 3
    assert again["held"] == {}


def test_what_a_person_reads_names_the_blocked_day_and_the_commands_that_help(backfilled: Installation) -> None:
    (backfilled.folder / "mixflows.toml").rename(backfilled.folder / "mixpanel eu.toml")
    config = "--config 'mixpanel eu.toml'"
    for columns, *words in (("40", "backfill", "--no-prefect", "--mode", "blocked"), ("200", "run", "--no-prefect")):
        shown = backfilled.run(*words, "--config", "mixpanel eu.toml", env={"COLUMNS": columns}, code=3).out
        assert "33.33 % of 60 rows are duplicates (limit 1 %)" in shown
        commands = [line.strip() for line in shown.splitlines() if line.strip().startswith("mixflows ")]
        because = '--because "…"'
        assert commands == [
            f"mixflows inspect {BLOCKED} {config}",
            f"mixflows release {BLOCKED} {because} {config}",
            f"mixflows acknowledge {BLOCKED} {because} {config}",
        ]
        assert "quality.duplicate_rate.critical" in shown
    named = {"MIXFLOWS_CONFIG": "mixpanel eu.toml"}
    backfilled.run("report", env=named)
    page = (backfilled.folder / "mixflows-report.html").read_text(encoding="utf-8")
    pages = json.loads(page.split('<script type="application/json" id="day-pages">')[1].split("</script>")[0])
    assert pages["days"][DAYS.index(BLOCKED)]["commands"][:3] == commands
    assert pages["explain"] == f"mixflows explain --insert-id ID --day DAY {config}"
    words = ("run", "--no-prefect", "--set", "quality.duplicate_rate.critical=0.5")
    passed = backfilled.run(*words, env=named)
    assert "1 day, 60 source rows: 1 published." in passed.out
    assert backfilled.rows("SELECT count(*) FROM mp_events") == [(200,)]


def test_a_failed_day_is_exit_code_1_even_beside_a_blocked_one(landed: Installation) -> None:
    landed.run("init")
    columns = ", ".join(f'"{n}" {t}' for n, t, *_ in landed.rows("DESCRIBE mp_master_event"))
    landed.change(
        "DROP TABLE IF EXISTS mp_events",
        f"CREATE TABLE mp_events ({columns}, CHECK (partition_date <> DATE '2024-01-02'))",
    )
    ended = landed.run("backfill", "--no-prefect", "--json", code=1)
    statuses = {day["partition_date"]: day["status"] for day in ended.json["days"]}
    assert statuses == dict.fromkeys(DAYS, "published") | {"2024-01-02": "failed", BLOCKED: "blocked"}
    shown = landed.run("status").out
    assert "3 days published, up to 2024-01-05; 1 blocked, 1 failed; 1 due." in shown
    for kind in ("html", "markdown"):
        landed.run("report", "--format", kind, "--out", f"report.{kind}")
        text = (landed.folder / f"report.{kind}").read_text(encoding="utf-8")
        assert "Run it again; if it fails again" in text
        assert "\\nRun it" not in text.split("<script", maxsplit=1)[0]
    assert "2024-01-02: " in shown
    assert f"{BLOCKED}: 33.33 %" in shown
    assert landed.run("status", "--check", code=1).out == shown


def test_a_rerun_changes_nothing(backfilled: Installation) -> None:
    ledger = backfilled.rows("FROM mp_partition_runs ORDER BY ALL")
    ended = backfilled.run("backfill", "--no-prefect", code=3)
    assert ended.out.startswith("Nothing to do")
    assert backfilled.rows("FROM mp_partition_runs ORDER BY ALL") == ledger


def test_run_takes_days_up_to_the_last_complete_one(landed: Installation) -> None:
    result = landed.run("run", "--no-prefect", "--as-of", "2024-01-02", "--json").json
    assert days_of(result["days"], "partition_date") == DAYS[:2]
    landed.write("late.jsonl", export(days=1, rows=41))
    landed.run("land", "late.jsonl")
    (due,) = [d for d in landed.run("plan", "--json").json["days"] if d["day"] == "2024-01-01"]
    assert (due["new_rows"], due["files"]) == (41, [{"file_name": "late.jsonl", "source_rows": 41}])
    assert "2024-01-01  changed    81   41  late.jsonl" in landed.run("plan").out
    late = landed.run("run", "--no-prefect", "--as-of", "2024-01-01", "--set", "quality.min_rows=1000", "--json").json
    assert [(d["partition_date"], d["plan_reason"], d["inserted_rows"]) for d in late["days"]] == [
        ("2024-01-01", "changed", 1)
    ]


def test_status_as_json_has_every_day_and_what_is_due(backfilled: Installation) -> None:
    status = backfilled.run("status", "--json").json
    assert [(d["partition_date"], d["status"]) for d in status["days"]] == [
        (day, "blocked" if day == BLOCKED else "published") for day in DAYS
    ]
    assert status["due"] == []
    backfilled.write("more.jsonl", export(days=1, rows=3, first_day=7))
    backfilled.run("land", "more.jsonl")
    due = backfilled.run("status", "--json").json["due"]
    assert [(d["day"], d["reason"]) for d in due] == [("2024-01-08", "new")]


def test_status_for_people_adds_up(backfilled: Installation) -> None:
    shown = backfilled.run("status").out
    assert "4 days published, up to 2024-01-05; 1 blocked, 0 failed; 0 due." in shown
    assert "220 rows delivered = 160 kept + 60 held back." in shown
    assert f"{BLOCKED}: 33.33 % of 60 rows are duplicates (limit 1 %)" in shown


def test_status_can_end_as_a_run_would(backfilled: Installation) -> None:
    told = backfilled.run("status", "--check", "--json", code=3).json
    assert (told["exit_code"], [day["day"] for day in told["standing"]]) == (3, [BLOCKED])
    backfilled.run("acknowledge", BLOCKED, "--because", "known")
    told = backfilled.run("status", "--check", "--json").json
    assert (told["exit_code"], [day["acknowledged"] for day in told["standing"]]) == (0, ["known"])
    assert told["totals"] == {
        "delivered": 220, "retained": 0, "kept": 160, "rejected": 0, "held_back": 60, "waiting": 0, "malformed": 0,
        "suppressed": 0,
    }  # fmt: skip
    backfilled.run("report", "--format", "markdown", "--out", "report.md")
    assert "acknowledged: known" in (backfilled.folder / "report.md").read_text(encoding="utf-8")
    refused = backfilled.run("acknowledge", DAYS[0], "--because", "known", code=1)
    assert DAYS[0] in refused.err


def test_the_report_is_written_where_it_was_asked_for(backfilled: Installation) -> None:
    assert backfilled.run("report", "--out", "mine.html", "--json").json == {"report": "mine.html"}
    assert BLOCKED in (backfilled.folder / "mine.html").read_text(encoding="utf-8")
    ended = backfilled.run("report", "--out", ".", code=1)
    assert ended.err.startswith("error: the report cannot be written to .")


def test_other_rules_are_refused_until_they_are_accepted(backfilled: Installation) -> None:
    before = backfilled.published()
    refused = backfilled.run("run", "--no-prefect", "--set", "pipeline.keep=latest", code=2)
    assert "4 published days, 2024-01-01 to 2024-01-05\n" in refused.err
    assert "--accept-rules" in refused.err
    assert backfilled.published() == before
    assert "mixflows backfill --accept-rules\n" in backfilled.run("status", "--set", "pipeline.keep=latest").out
    taken = backfilled.run(
        "backfill",
        "--no-prefect",
        "--set",
        "pipeline.keep=latest",
        "--accept-rules",
        "--mode",
        "changed",
        "--json",
        code=3,
    ).json
    assert {(d["partition_date"], d["plan_reason"]) for d in taken["days"]} >= {("2024-01-01", "rules_changed")}


def test_only_the_mode_all_takes_published_days_again(backfilled: Installation) -> None:
    for mode in ("missing", "changed", "failed"):
        assert backfilled.run("plan", "--mode", mode, "--json").json["days"] == []
    assert days_of(backfilled.run("plan", "--mode", "blocked", "--json").json["days"]) == [BLOCKED]
    everything = backfilled.run("plan", "--mode", "all", "--json").json["days"]
    assert days_of(everything) == DAYS
    assert {day["reason"] for day in everything} == {"requested"}


@pytest.mark.parametrize("command", ["run", "backfill", "serve"])
def test_a_prefect_server_that_does_not_answer_is_named_before_anything_is_done(
    command: str, landed: Installation
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/api"
        with temporary_settings({PREFECT_API_URL: address}):
            ended = landed.run(command, code=1)
    assert ended.err.startswith(f"error: the Prefect server at {address} does not answer: ConnectError\n")
    assert ended.out == ""


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("backfill --no-prefect --start 2023-01-01 --end 2023-02-01", "2023-01-01 to 2023-02-01"),
        ("backfill --dry-run --start 2025-01-01 --mode all", "2025-01-01 to the last day"),
        ("plan --start 2023-01-01 --end 2023-02-01", "2023-01-01 to 2023-02-01"),
    ],
)
def test_a_range_without_a_day_is_no_work_that_is_done(command: str, asked: str, backfilled: Installation) -> None:
    told = f"the source has no day in the range {asked}; its days are 2024-01-01 to 2024-01-05"
    assert f"Nothing to do: {told}." in " ".join(backfilled.run(*command.split()).out.split())
    assert backfilled.run(*command.split(), "--json").json["nothing"] == told


def test_a_run_up_to_a_day_before_the_first_says_so(landed: Installation) -> None:
    told = landed.run("run", "--no-prefect", "--as-of", "2023-12-31").out
    assert "no day in the range the first day to 2023-12-31" in told
