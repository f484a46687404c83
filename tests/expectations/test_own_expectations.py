import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.errors import SettingsError
from mixflows.settings import Settings, load_settings
from mixflows.verdict import Severity, Verdict
from tests.expectations.staging import DAY, GOOD_ROWS, access_of, days_from, stage, staged, warehouse

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "own_expectations.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder, whose modules and whose place on the import path are forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith("own_"):
            del sys.modules[name]


SuiteOf = Callable[..., Settings]


@pytest.fixture
def figures_suite(folder: Path) -> SuiteOf:
    """Settings with a user's suite of one expression on the figures."""

    def settings(expectations: str, **quality: Any) -> Settings:
        source = f"def suite(thresholds):\n    return gx.ExpectationSuite(name='own', expectations=[{expectations}])\n"
        header = "import great_expectations as gx\nfrom great_expectations import expectations as expect\n\n"
        (folder / "own_suite.py").write_text(header + source)
        return Settings.model_validate({"quality": {"figures_suites": ["own_suite:suite"], **quality}})

    return settings


def own(found: Verdict, name: str = "own_suite:suite") -> list[tuple[str, str, bool, float | None, str]]:
    return [
        (f.expectation, f.severity.value, f.success, f.observed_value, f.note)
        for f in found.findings
        if f.suite == name
    ]


def the_settings_in_the_examples_docstring(folder: Path) -> Settings:
    _, _, rest = EXAMPLE.read_text().partition("```toml\n")
    (folder / "mixflows.toml").write_text(rest.partition("```")[0])
    return load_settings(folder / "mixflows.toml")


def test_the_documented_example_judges_figures_and_rows(folder: Path) -> None:
    shutil.copy(EXAMPLE, folder)
    settings = the_settings_in_the_examples_docstring(folder)
    with warehouse(folder) as connection:
        stage(connection, GOOD_ROWS)
        day = staged({"late_rows": 2_100, "kept_rows": 9_988})
        found = GreatExpectationsAuditor(settings, access_of(connection)).judge([day], check_rows=True)[DAY]
    assert own(found, "own_expectations:figures") == [
        ("strict_late_rate", "warning", False, 0.21, ""),
        ("strict_late_rate", "critical", False, 0.21, ""),
        ("enough_kept_rows", "warning", True, 9_988.0, ""),
    ]
    (rows,) = [f for f in found.findings if f.suite == "own_expectations:rows"]
    assert (rows.expectation, rows.severity, rows.success, rows.unexpected_count) == (
        "kept_distinct_id_not_null",
        Severity.CRITICAL,
        False,
        1,
    )
    assert {(f.suite, f.expectation) for f in found.failures} == {
        ("own_expectations:figures", "strict_late_rate"),
        ("own_expectations:rows", "kept_distinct_id_not_null"),
    }


def test_the_documentation_shows_the_example() -> None:
    page = (EXAMPLE.parents[1] / "expectations.md").read_text()
    functions = EXAMPLE.read_text().partition('"""\n\nimport')[2]
    assert f"import{functions}" in page


def test_the_documentation_names_every_rate_with_its_default_bounds() -> None:
    page = (EXAMPLE.parents[1] / "expectations.md").read_text()
    quality = Settings().quality
    for name in type(quality).model_fields:
        bounds = getattr(quality, name)
        if hasattr(bounds, "warning"):
            shown = [f"{bound:g}" if bound is not None else "none" for bound in (bounds.warning, bounds.critical)]
            assert f"| `{name}` | {shown[0]} | {shown[1]} |" in page


def test_a_table_wide_expectation_judges_each_day_by_itself(figures_suite: SuiteOf) -> None:
    settings = figures_suite(
        "expect.ExpectColumnMeanToBeBetween(column='kept_rows', min_value=500, severity='warning'),"
        "expect.ExpectTableRowCountToEqual(value=1)"
    )
    rows = [9_988, 100, 9_988]
    days = [
        staged({"kept_rows": kept, "valid_keys": kept}, day=day)
        for day, kept in zip(days_from(DAY, 3), rows, strict=True)
    ]
    found = GreatExpectationsAuditor(settings, None).judge(days, check_rows=False)
    assert [own(found[day.day])[0] for day in days] == [
        (
            "expect_column_mean_to_be_between(kept_rows)",
            "warning",
            kept > 500,
            float(kept),
            "" if kept > 500 else "allowed: at least 500",
        )
        for kept in rows
    ]
    assert {own(found[day.day])[1][:3] for day in days} == {("expect_table_row_count_to_equal", "critical", True)}


def test_expectations_on_two_figures_and_on_sets_name_their_days(figures_suite: SuiteOf) -> None:
    settings = figures_suite(
        "expect.ExpectColumnPairValuesAToBeGreaterThanB(column_A='kept_rows', column_B='rejected_rows',"
        " meta={'name': 'more kept than rejected'}),"
        "expect.ExpectColumnValuesToNotBeInSet(column='late_rows', value_set=[13], severity='warning'),"
        "expect.ExpectColumnValuesToMatchRegex(column='partition_date', regex='^2024-08-01$', severity='info')"
    )
    good, bad = (staged(day=day) for day in days_from(DAY, 2))
    bad = staged({"rejected_rows": 99_999, "late_rows": 13}, day=bad.day)
    found = GreatExpectationsAuditor(settings, None).judge([good, bad], check_rows=False)
    assert [finding[:3] for finding in own(found[good.day])] == [
        ("more kept than rejected", "critical", True),
        ("expect_column_values_to_not_be_in_set(late_rows)", "warning", True),
        ("expect_column_values_to_match_regex(partition_date)", "warning", True),
    ]
    assert [finding[2] for finding in own(found[bad.day])] == [False, False, False]


def test_a_day_that_fails_does_so_beside_however_many_that_pass(figures_suite: SuiteOf) -> None:
    settings = figures_suite("expect.ExpectColumnValuesToBeBetween(column='kept_rows', min_value=500, mostly=0.5)")
    rows = [9_988, 100, 9_988]
    days = [
        staged({"kept_rows": kept, "valid_keys": kept}, day=day)
        for day, kept in zip(days_from(DAY, 3), rows, strict=True)
    ]
    found = GreatExpectationsAuditor(settings, None).judge(days, check_rows=False)
    assert [own(found[day.day])[0][2] for day in days] == [True, False, True]


def test_a_rate_that_is_not_judged_passes_own_expectations_too(figures_suite: SuiteOf) -> None:
    settings = figures_suite(
        "expect.ExpectColumnValuesToBeBetween(column='late_rate', max_value=0.1),"
        "expect.ExpectColumnMaxToBeBetween(column='late_rate', max_value=0.1)"
    )
    found = GreatExpectationsAuditor(settings, None).judge(
        [staged({"source_rows": 900, "late_rows": 800})], check_rows=False
    )[DAY]
    why = "not judged: 900 rows, fewer than min_rows 1,000"
    assert [finding[2:] for finding in own(found)] == [(True, None, why), (True, None, why)]


def test_an_expectation_that_cannot_be_judged_fails_and_says_why(figures_suite: SuiteOf) -> None:
    settings = figures_suite(
        "expect.ExpectColumnValuesToBeBetween(column='laet_rows', max_value=1, severity='warning'),"
        "expect.ExpectColumnMeanToBeBetween(column='laet_rows', max_value=1, severity='warning')"
    )
    found = GreatExpectationsAuditor(settings, None).judge([staged()], check_rows=False)[DAY]
    assert [finding[2] for finding in own(found)] == [False, False]
    for finding in own(found):
        assert finding[4] == 'could not be judged: Error: The column "laet_rows" in BatchData does not exist.'


def test_nothing_that_rows_hold_is_told(folder: Path) -> None:
    (folder / "own_rows.py").write_text(
        "import great_expectations as gx\n"
        "from great_expectations import expectations as expect\n\n"
        "def suite(thresholds):\n"
        "    return gx.ExpectationSuite(name='own', expectations=[\n"
        "        expect.ExpectColumnValuesToBeInSet(column='distinct_id', value_set=['nobody']),\n"
        "        expect.ExpectColumnDistinctValuesToBeInSet(column='distinct_id', value_set=['nobody']),\n"
        "        expect.ExpectColumnMaxToBeBetween(column='row_num', max_value=1),\n"
        "        expect.UnexpectedRowsExpectation(unexpected_rows_query='SELECT * FROM {batch}'),\n"
        "        expect.UnexpectedRowsExpectation(unexpected_rows_query='FROM {batch} WHERE distinct_id::INT = 1'),\n"
        "        expect.UnexpectedRowsExpectation(unexpected_rows_query='SELECT nothing FROM {batch}'),\n"
        "    ])\n"
    )
    settings = Settings.model_validate({"quality": {"rows_suites": ["own_rows:suite"]}})
    with warehouse(folder) as connection:
        stage(connection, GOOD_ROWS)
        found = GreatExpectationsAuditor(settings, access_of(connection)).judge([staged()], check_rows=True)[DAY]
    told = [f for f in found.findings if f.suite == "own_rows:suite"]
    assert [(f.success, f.unexpected_count, f.observed_value) for f in told] == [
        (False, 5, None),
        (False, 2, None),
        (False, None, None),
        (False, 6, None),
        (False, None, None),
        (False, None, None),
    ]
    assert [f.note for f in told][:5] == ["", "", "", "", "could not be judged: Conversion Error"]
    assert told[5].note.startswith('could not be judged: Binder Error: Referenced column "nothing" not found')
    assert "u1" not in repr(told)


@pytest.mark.parametrize(
    ("module", "reference", "message"),
    [
        ("", "own_nowhere:suite", "cannot be imported: ModuleNotFoundError: No module named 'own_nowhere'"),
        ("import own_missing_part", "own_module:suite", "cannot be imported: ModuleNotFoundError"),
        ("def suite(:", "own_module:suite", "cannot be imported: SyntaxError"),
        ("", "own_module:suite", "module own_module has no function 'suite'"),
        ("suite = 3", "own_module:suite", "is not there"),
        ("def suite():\n    return 3", "own_module:suite", "could not be built: TypeError"),
        (
            "def suite(thresholds):\n    return [thresholds]",
            "own_module:suite",
            "returned a list, not an ExpectationSuite",
        ),
        ("def suite(thresholds):\n    thresholds.own_bounds('x')", "own_module:suite", "asks for the bounds 'x'"),
    ],
)
@pytest.mark.parametrize("kind", ["figures_suites", "rows_suites"])
def test_a_reference_that_leads_nowhere_is_a_wrong_setting(
    folder: Path, module: str, reference: str, message: str, kind: str
) -> None:
    (folder / "own_module.py").write_text(module)
    settings = Settings.model_validate({"quality": {kind: [reference]}})
    with warehouse(folder) as connection:
        stage(connection, GOOD_ROWS)
        with pytest.raises(SettingsError, match=message.replace("(", r"\(")) as refused:
            GreatExpectationsAuditor(settings, access_of(connection)).judge([staged()], check_rows=True)
    assert refused.value.hint
