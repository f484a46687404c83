from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import Difference
from mixflows.profile.drift import Drift
from mixflows.rates import Rates
from mixflows.settings import QualitySettings, Settings
from mixflows.settings.model import PipelineSettings
from mixflows.verdict import Finding, Severity, Verdict
from tests.expectations.staging import DAY, days_from, staged

ALWAYS_CRITICAL = ("kept_keys_unique", "no_null_key_parts", "kept_rows_in_day", "figures_add_up", "source_deletes")

DUPLICATES = [("duplicate_rate", "warning"), ("duplicate_rate", "critical")]
CONFLICTING = [("conflicting_duplicate_rate", "warning"), ("conflicting_duplicate_rate", "critical")]


def verdict(settings: Settings | None = None, **changes: Any) -> Verdict:
    return GreatExpectationsAuditor(settings or Settings(), None).judge([staged(**changes)], check_rows=False)[DAY]


def verdicts(days: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """As `verdict`, of days that are judged together; each says what is changed of it."""
    many = [staged(day=day, **changes) for day, changes in zip(days_from(DAY, len(days)), days, strict=True)]
    return list(GreatExpectationsAuditor(Settings(), None).judge(many, check_rows=False).values())


def failed(found: Verdict) -> list[tuple[str, str]]:
    return [(f.expectation, f.severity.value) for f in found.findings if not f.success]


def one(found: Verdict, name: str, severity: Severity = Severity.WARNING) -> Finding:
    (finding,) = [f for f in found.findings if f.expectation == name and f.severity is severity]
    return finding


def test_a_fine_day_passes_every_expectation_and_each_says_what_it_saw() -> None:
    found = verdict()
    assert failed(found) == []
    judged = [f for f in found.findings if f.expectation not in Drift.names()]
    assert [(f.suite, f.expectation, f.severity.value, f.observed_value, f.threshold) for f in judged] == [
        ("figures", "duplicate_rate", "warning", 0.001, 0.005),
        ("figures", "duplicate_rate", "critical", 0.001, 0.01),
        ("figures", "conflicting_duplicate_rate", "warning", 0.0, 0.001),
        ("figures", "conflicting_duplicate_rate", "critical", 0.0, 0.01),
        ("figures", "missing_insert_id_rate", "warning", 0.0002, 0.001),
        ("figures", "missing_insert_id_rate", "critical", 0.0002, 0.05),
        ("figures", "future_event_rate", "warning", 0.0, 0.001),
        ("figures", "future_event_rate", "critical", 0.0, 0.05),
        ("figures", "late_rate", "warning", 0.0, 0.05),
        ("figures", "volume_change", "warning", 9_990 / 9_000, 1.75),
        ("figures", "kept_keys_unique", "critical", 0.0, 0.0),
        ("figures", "no_null_key_parts", "critical", 0.0, 0.0),
        ("figures", "kept_rows_in_day", "critical", 0.0, 0.0),
        ("figures", "figures_add_up", "critical", 0.0, 0.0),
        ("figures", "gone_events", "warning", 0.0, 0.0),
        ("figures", "source_deletes", "critical", 0.0, 0.0),
    ]
    assert {f.note for f in judged} == {""}
    assert {f.expectation for f in found.findings if f not in judged} == set(Drift.names())


OFF: list[tuple[dict[str, int], list[tuple[str, str]]]] = [
    ({"duplicate_rows": 51}, [("duplicate_rate", "warning")]),
    ({"duplicate_rows": 101}, [("duplicate_rate", "warning"), ("duplicate_rate", "critical")]),
    ({"duplicate_rows": 11, "conflicting_duplicate_rows": 11}, [("conflicting_duplicate_rate", "warning")]),
    ({"duplicate_rows": 51, "conflicting_duplicate_rows": 11}, [("conflicting_duplicate_rate", "warning")]),
    ({"duplicate_rows": 1_000, "conflicting_duplicate_rows": 1_000}, [*CONFLICTING]),
    ({"duplicate_rows": 1_050, "conflicting_duplicate_rows": 1_000}, [*CONFLICTING]),
    ({"duplicate_rows": 1_051, "conflicting_duplicate_rows": 1_000}, [("duplicate_rate", "warning"), *CONFLICTING]),
    ({"duplicate_rows": 1_101, "conflicting_duplicate_rows": 1_000}, [*DUPLICATES, *CONFLICTING]),
    ({"duplicate_rows": 101, "conflicting_duplicate_rows": 100}, [*DUPLICATES, CONFLICTING[0]]),
    ({"missing_insert_id_rows": 11}, [("missing_insert_id_rate", "warning")]),
    (
        {"missing_insert_id_rows": 501},
        [("missing_insert_id_rate", "warning"), ("missing_insert_id_rate", "critical")],
    ),
    ({"future_rows": 11}, [("future_event_rate", "warning")]),
    ({"future_rows": 501}, [("future_event_rate", "warning"), ("future_event_rate", "critical")]),
    ({"late_rows": 501}, [("late_rate", "warning")]),
    ({"kept_twice_keys": 1}, [("kept_keys_unique", "critical")]),
    ({"valid_keys": 9_987}, [("kept_keys_unique", "critical")]),
    ({"valid_keys": 9_989}, [("kept_keys_unique", "critical")]),
    ({"kept_null_key_rows": 1}, [("no_null_key_parts", "critical")]),
    ({"kept_other_day_rows": 1}, [("kept_rows_in_day", "critical")]),
    ({"rejected_rows": 11}, [("figures_add_up", "critical")]),
    ({"rejected_rows": 13}, [("figures_add_up", "critical")]),
    ({"gone_events": 1}, [("gone_events", "warning")]),
]


@pytest.fixture(scope="module")
def verdicts_off() -> list[Verdict]:
    return verdicts([{"figures": figures} for figures, _ in OFF])


@pytest.mark.parametrize(("figures", "expected"), OFF)
def test_a_figure_that_is_off_fails_its_expectation_and_only_it(
    verdicts_off: list[Verdict], figures: dict[str, int], expected: list[tuple[str, str]]
) -> None:
    assert failed(verdicts_off[OFF.index((figures, expected))]) == expected


def test_a_figure_at_its_bound_passes() -> None:
    at_bounds = {"duplicate_rows": 50, "missing_insert_id_rows": 10, "future_rows": 10, "late_rows": 500}
    assert failed(verdict(figures=at_bounds, plan={"usual_rows": 9_950 * 1.75})) == []


def test_a_critical_failure_blocks_and_a_warning_flags() -> None:
    flagged, blocked = verdicts([{"figures": {"duplicate_rows": 75}}, {"figures": {"duplicate_rows": 213}}])
    assert flagged.failures == ()
    assert [(f.expectation, f.observed_value, f.threshold) for f in flagged.warnings] == [
        ("duplicate_rate", 0.0075, 0.005)
    ]
    assert [(f.expectation, f.observed_value, f.threshold) for f in blocked.failures] == [
        ("duplicate_rate", 0.0213, 0.01)
    ]


def test_volume_is_judged_as_a_factor_either_way() -> None:
    usual_rows = [(10_000, 3_000.0), (3_000, 10_000.0), (0, 5e3)]
    found = verdicts([{"figures": of_rows(rows), "plan": {"usual_rows": usual}} for rows, usual in usual_rows])
    assert [failed(each) for each in found] == [[("volume_change", "warning")]] * 3
    assert [one(each, "volume_change").observed_value for each in found] == [10 / 3, 10 / 3, 5e3]


def of_rows(rows: int) -> dict[str, int]:
    return {"source_rows": rows, "kept_rows": rows, "rejected_rows": 0, "duplicate_rows": 0, "valid_keys": rows}


def test_rates_of_a_small_day_are_not_judged_and_its_counts_are() -> None:
    small = {"source_rows": 312, "kept_rows": 100, "rejected_rows": 212, "valid_keys": 100, "duplicate_rows": 212}
    found, usual = verdicts(
        [{"figures": small | {"kept_null_key_rows": 1}, "plan": {"usual_rows": 900.0}}, {"figures": small}]
    )
    assert failed(found) == [("no_null_key_parts", "critical")]
    rate, volume = one(found, "duplicate_rate"), one(found, "volume_change")
    assert (rate.observed_value, rate.note) == (None, "not judged: 312 rows, fewer than min_rows 1,000")
    assert volume.note == "not judged: 312 rows, usually 900, fewer than min_rows 1,000"
    assert one(usual, "volume_change").observed_value == 9_000 / 100, "the usual rows are enough"


def test_without_history_and_without_rows_nothing_is_judged() -> None:
    nothing = {"source_rows": 0, "kept_rows": 0, "rejected_rows": 0, "valid_keys": 0}
    found = verdict(Settings(quality=QualitySettings(min_rows=0)), figures=nothing, plan={"usual_rows": None})
    assert failed(found) == []
    assert one(found, "duplicate_rate").note == "not judged: no rows"
    assert one(found, "volume_change").note == "not judged: fewer than 7 days of history"


def test_a_bound_that_is_switched_off_has_no_expectation() -> None:
    off: dict[str, Any] = {"warning": None, "critical": None}
    quality = QualitySettings.model_validate(dict.fromkeys((*Rates.names(), *Drift.names()), off))
    findings = verdict(Settings(quality=quality)).findings
    assert {f.expectation for f in findings} == {*ALWAYS_CRITICAL, "gone_events"}


def test_equal_bounds_are_two_findings() -> None:
    quality = QualitySettings.model_validate({"late_rate": {"warning": 0.1, "critical": 0.1}})
    found = verdict(Settings(quality=quality), figures={"late_rows": 2_000})
    assert failed(found) == [("late_rate", "warning"), ("late_rate", "critical")]


def test_deletions_of_the_source_block_but_not_damage_under_an_unchanged_source() -> None:
    days = [
        (Difference(vanished_rows=3), "v1", 3),
        (Difference(vanished_rows=3, surplus_rows=3), "v1", 3),
        (Difference(vanished_rows=3, surplus_rows=3), "v2", 0),
        (Difference(vanished_rows=3, surplus_rows=1), "v2", 2),
    ]
    found = verdicts([{"difference": change, "plan": {"published_version": version}} for change, version, _ in days])
    deleted = [one(each, "source_deletes", Severity.CRITICAL).observed_value for each in found]
    assert deleted == [rows for *_, rows in days]
    assert [failed(each) for each in found] == [[("source_deletes", "critical")] if rows else [] for rows in deleted]


def test_surplus_counts_as_deleted_where_the_source_has_no_versions() -> None:
    found = verdict(
        difference=Difference(vanished_rows=2, surplus_rows=2), plan={"published_version": None, "source_version": None}
    )
    assert failed(found) == [("source_deletes", "critical")]


@pytest.mark.parametrize("policy", ["keep", "apply"])
def test_deletions_are_no_matter_where_they_do_not_block(policy: str) -> None:
    settings = Settings(pipeline=PipelineSettings.model_validate({"source_deletes": policy}))
    found = verdict(settings, difference=Difference(vanished_rows=3))
    assert "source_deletes" not in {f.expectation for f in found.findings}
    assert failed(found) == []


def test_many_days_in_one_call_each_have_the_verdict_they_have_alone() -> None:
    many = [
        staged(
            {"duplicate_rows": 200} if number % 3 == 1 else {"kept_twice_keys": 1} if number % 3 == 2 else {},
            day=day,
            plan={"usual_rows": None if number % 2 else 100.0},
        )
        for number, day in enumerate(days_from(date(2023, 1, 1), 60))
    ]
    together = GreatExpectationsAuditor(Settings(), None).judge(many, check_rows=False)
    assert list(together) == [day.day for day in many]
    for day in many[:3]:
        assert together[day.day] == GreatExpectationsAuditor(Settings(), None).judge([day], check_rows=False)[day.day]
    assert [bool(together[day.day].failures) for day in many] == [False, True, True] * 20


def test_no_days_no_verdicts() -> None:
    assert GreatExpectationsAuditor(Settings(), None).judge([], check_rows=False) == {}
