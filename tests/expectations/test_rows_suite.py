from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.settings import Settings
from mixflows.settings.model import PipelineSettings
from mixflows.verdict import Verdict
from tests.expectations.staging import DAY, GOOD_ROWS, Row, access_of, stage, staged, warehouse

pytestmark = pytest.mark.xdist_group("rows suite")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path) as opened:
        yield opened


def verdict(connection: duckdb.DuckDBPyConnection, rows: tuple[Row, ...], **changes: Any) -> Verdict:
    stage(connection, rows)
    settings = Settings(
        project_timezone=changes.pop("project_timezone", "UTC"), pipeline=PipelineSettings.model_validate(changes)
    )
    return GreatExpectationsAuditor(settings, access_of(connection)).judge([staged()], check_rows=True)[DAY]


def failed(found: Verdict) -> dict[str, int | None]:
    return {f.expectation: f.unexpected_count for f in found.failures}


KEYS = ("insert_id_time", "mixpanel", "mixpanel_day")
A_COPY: Row = ("Open", "u1", "a", "2024-08-01 00:00:00", 1, None)
ANOTHER_EVENT: Row = ("Close", "u1", "a", "2024-08-01 00:00:00", 1, None)
LATER: Row = ("Open", "u1", "a", "2024-08-01 05:00:00", 1, None)
A_COPY_WITHOUT_USER: Row = ("Open", None, "b", "2024-08-01 12:00:00", 1, None)
WITHOUT_ID: Row = ("Open", "u9", None, "2024-08-01 01:00:00", 1, None)
WITHOUT_TIME: Row = ("Open", "u9", "x", None, 1, None)
WRONG: list[tuple[Row, str, dict[str, int]]] = [
    (A_COPY, "insert_id_time", {"kept_keys_unique": 1}),
    (A_COPY, "mixpanel", {"kept_keys_unique": 1}),
    (A_COPY, "mixpanel_day", {"kept_keys_unique": 1}),
    (ANOTHER_EVENT, "insert_id_time", {"kept_keys_unique": 1}),
    (ANOTHER_EVENT, "mixpanel", {}),
    (LATER, "insert_id_time", {}),
    (LATER, "mixpanel", {}),
    (LATER, "mixpanel_day", {"kept_keys_unique": 1}),
    (A_COPY_WITHOUT_USER, "insert_id_time", {"kept_keys_unique": 1}),
    (A_COPY_WITHOUT_USER, "mixpanel", {"kept_keys_unique": 1}),
    (A_COPY_WITHOUT_USER, "mixpanel_day", {"kept_keys_unique": 1}),
    (WITHOUT_ID, "insert_id_time", {"kept_insert_id_not_null": 1}),
    (WITHOUT_TIME, "insert_id_time", {"kept_time_not_null": 1}),
    (("Open", "u9", "x", "2024-08-02 00:00:00", 1, None), "insert_id_time", {"kept_time_in_day": 1}),
    (("Open", "u9", "x", "2024-07-31 23:59:59.999", 1, None), "insert_id_time", {"kept_time_in_day": 1}),
    (("Open", "u9", "x", "2024-08-01 01:00:00", 1, "Duplicate event"), "mixpanel", {"kept_without_reason": 1}),
    (("Open", "u9", "x", "2024-08-01 01:00:00", 2, None), "mixpanel", {"rejected_with_reason": 1}),
    (("Open", "u9", "x", "2024-08-01 01:00:00", None, None), "mixpanel", {"rejected_with_reason": 1}),
    (("Open", "u9", "x", "2024-08-01 01:00:00", 2, "Bad mood"), "mixpanel", {"rejection_reason_known": 1}),
]
"""A row that is staged among good ones, the key, and what fails."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Row | None, str], Verdict]:
    """By row and key; None is a day of good rows alone. The days of a key are judged together."""
    found: dict[tuple[Row | None, str], Verdict] = {}
    for key in KEYS:
        more = [None, *(row for row, of_key, _ in WRONG if of_key == key)]
        days = [staged(day=DAY + timedelta(nth), stage_table=f"stg_{nth}") for nth in range(len(more))]
        with warehouse(tmp_path_factory.mktemp(key)) as connection:
            for nth, row in enumerate(more):
                rows = (*GOOD_ROWS, row) if row else GOOD_ROWS
                stage(connection, [later(row, nth) for row in rows], f"stg_{nth}")
            settings = Settings(pipeline=PipelineSettings.model_validate({"key": key}))
            judged = GreatExpectationsAuditor(settings, access_of(connection)).judge(days, check_rows=True)
        found |= {(row, key): judged[day.day] for row, day in zip(more, days, strict=True)}
    return found


def later(row: Row, days: int) -> Row:
    """The same row so many days later."""
    event, user, insert_id, time, *rest = row
    return event, user, insert_id, time and str(datetime.fromisoformat(time) + timedelta(days)), *rest


@pytest.mark.parametrize("key", KEYS)
def test_rows_that_are_staged_right_pass_under_every_key(
    verdicts: dict[tuple[Row | None, str], Verdict], key: str
) -> None:
    rows = [f for f in verdicts[None, key].findings if f.suite == "rows"]
    assert {f.expectation for f in rows} == {
        "kept_keys_unique",
        "kept_insert_id_not_null",
        "kept_time_not_null",
        "kept_time_in_day",
        "kept_without_reason",
        "rejected_with_reason",
        "rejection_reason_known",
    }
    assert {(f.success, f.unexpected_count, f.severity.value, f.note) for f in rows} == {(True, 0, "critical", "")}


@pytest.mark.parametrize(("row", "key", "expected"), WRONG)
def test_a_row_that_is_staged_wrong_is_caught(
    verdicts: dict[tuple[Row | None, str], Verdict], row: Row, key: str, expected: dict[str, int]
) -> None:
    assert failed(verdicts[row, key]) == expected


@pytest.mark.parametrize("key", KEYS)
def test_kept_rows_without_insert_id_are_no_copies_of_each_other_where_they_are_kept(
    connection: duckdb.DuckDBPyConnection, key: str
) -> None:
    twice: tuple[Row, ...] = (WITHOUT_ID, WITHOUT_ID, ("Open", None, None, "2024-08-01 01:00:00", 1, None)) * 2
    assert failed(verdict(connection, (*GOOD_ROWS, *twice), key=key, missing_insert_id="keep")) == {}


def test_the_day_ends_where_the_projects_time_zone_ends_it(connection: duckdb.DuckDBPyConnection) -> None:
    rows: tuple[Row, ...] = (
        ("Open", "u1", "a", "2024-07-31 22:00:00", 1, None),
        ("Open", "u1", "b", "2024-08-01 21:59:59", 1, None),
        ("Open", "u1", "c", "2024-08-01 22:00:00", 1, None),
    )
    assert failed(verdict(connection, rows, project_timezone="Europe/Berlin")) == {"kept_time_in_day": 1}


def test_columns_named_like_keywords_are_judged_too(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        'CREATE VIEW staging.main.named AS SELECT \'a\' AS "order", NULL::VARCHAR AS "group", \'i\' AS "select",'
        " TIMESTAMPTZ '2024-08-01 01:00:00+00' AS \"end\", 1 AS row_num, NULL::VARCHAR AS rejection_reason"
        " FROM range(2)"
    )
    settings = Settings.model_validate(
        {
            "pipeline": {"key": "mixpanel"},
            "columns": {"event_name": "order", "distinct_id": "group", "insert_id": "select", "time": "end"},
        }
    )
    day = staged(stage_table="named")
    assert failed(GreatExpectationsAuditor(settings, access_of(connection)).judge([day], check_rows=True)[DAY]) == {
        "kept_keys_unique": 1
    }


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("stg_nowhere", "the staged rows (stg_nowhere) could not be read"),
        ("bare", "the staged rows (bare) could not be judged: kept_keys_unique could not be judged: Binder Error: "),
    ],
)
def test_a_staged_day_that_cannot_be_audited_is_blocked_and_the_others_are_judged(
    connection: duckdb.DuckDBPyConnection, table: str, why: str
) -> None:
    connection.execute("CREATE VIEW staging.main.bare AS SELECT 1 AS row_num")
    stage(connection, GOOD_ROWS)
    days = [staged(day=DAY - timedelta(1), stage_table=table), staged()]
    found = GreatExpectationsAuditor(Settings(), access_of(connection)).judge(days, check_rows=True)
    (finding,) = found[DAY - timedelta(1)].failures
    assert (finding.suite, finding.expectation) == ("rows", "rows_audited")
    assert finding.note.startswith(why)
    assert failed(found[DAY]) == {}


def test_days_side_by_side_in_threads_do_not_mix(connection: duckdb.DuckDBPyConnection) -> None:
    days = [
        staged({"duplicate_rows": 200} if number % 2 else {}, day=DAY + timedelta(number), stage_table=f"stg_{number}")
        for number in range(4)
    ]
    for number, day in enumerate(days):
        connection.execute(
            f"CREATE VIEW staging.main.stg_{number} AS SELECT 'e' AS mp_event_name, 'u' AS distinct_id,"
            f" 'i' || i AS mp_insert_id, TIMESTAMPTZ '{day.day} 01:00:00+00' AS \"time\", 1 AS row_num,"
            f" NULL::VARCHAR AS rejection_reason FROM range({number + 1}) AS t(i)"
            f" UNION ALL SELECT 'e', 'u', 'i0', TIMESTAMPTZ '{day.day} 01:00:00+00', 1, NULL FROM range({number})"
        )

    def run(number: int) -> dict[date, Verdict]:
        return GreatExpectationsAuditor(Settings(), access_of(connection)).judge([days[number]], check_rows=True)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))
    for number, verdicts in enumerate(found):
        duplicates: dict[str, int | None] = {"duplicate_rate": None} if number % 2 else {}
        twice: dict[str, int | None] = {"kept_keys_unique": 1} if number else {}
        assert {day: failed(found) for day, found in verdicts.items()} == {days[number].day: duplicates | twice}
