"""What the report tells of lateness, keys, origins and history, from the profiles of the days."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import altair as alt
import pytest

from mixflows.ledger.profiles import DayProfile
from mixflows.profile.profile import Profile, Tally
from mixflows.report.answer import answer
from mixflows.report.charts import specifications
from mixflows.report.data import collect, to_json
from mixflows.report.insights import insights
from mixflows.report.island import day_pages
from mixflows.report.markdown import to_markdown
from mixflows.report.page import Format, made_before, render_html, write_report
from mixflows.settings import Bounds, Settings
from mixflows.text import markdown
from tests.expectations.staging import FINE
from tests.quality.test_injected_faults import DAY, Copies, copies_of, later
from tests.spec.project import Project

USUAL = Profile(
    rows=1000,
    lateness={0: 900, 1: 80, 2: 10, 5: 9, 40: 1},
    hours={3: Tally(400, 2), 4: Tally(600, 8, 3)},
    events={"Open": Tally(700, 9, 3), "Buy": Tally(300, 1)},
    origins={"mp_lib": {"value 1": Tally(0, 8, 3), "value 2": Tally(0, 2)}},
    rejected_by_key=(10, 10, 12),
    events_by_key={"Open": (9, 9, 11)},
    types={"amount": "FLOAT64"},
)


def stored(*profiles: Profile) -> dict[date, DayProfile]:
    days = [DAY + timedelta(days=n) for n in range(len(profiles))]
    figures = replace(FINE, source_rows=1000, rejected_rows=12, duplicate_rows=10)
    return {day: DayProfile(day, figures, profile) for day, profile in zip(days, profiles, strict=True)}


def test_the_look_back_that_would_have_caught_so_many() -> None:
    found = insights(stored(USUAL, USUAL), Settings())
    assert found is not None
    assert found.lateness is not None
    assert found.lateness.caught_by == ((0.99, 2), (0.999, 5), (1.0, 40))
    assert (found.lateness.caught_now, found.lateness.recommended_days) == (0.99, 5)
    assert dict(found.lateness.curve)[1] == 0.98
    assert found.lateness.curve[-1] == (40, 1.0)


def test_every_chart_is_one_that_vega_lite_knows() -> None:
    charts = specifications(
        Bounds(warning=0.005, critical=0.01), ("Duplicate event",), insights(stored(USUAL), Settings()), banded=True
    )
    for spec in charts.values():
        alt.Chart.from_dict(spec)  # refuses what the schema does not know
    at_once = insights(stored(replace(USUAL, lateness={0: 1000})), Settings())
    assert charts.keys() - specifications(Bounds(), (), at_once) == {"lateness-curve"}


def test_keys_origins_and_kinds_of_duplicates_add_up() -> None:
    found = insights(stored(USUAL, USUAL), Settings())
    assert found is not None
    assert [(k.key, k.kept_rows, k.rejected_rows, k.in_force) for k in found.keys] == [
        ("insert_id_time", 1976, 20, True),
        ("mixpanel", 1976, 20, False),
        ("mixpanel_day", 1972, 24, False),
    ]
    assert found.disagreements == (("Open", (18, 18, 22)),)
    assert [(o.name, o.duplicate_rows, o.conflicting_rows) for o in found.events] == [("Open", 18, 6), ("Buy", 2, 0)]
    assert [(o.name, o.duplicate_rows) for o in dict(found.origins)["mp_lib"]] == [("value 1", 16), ("value 2", 4)]
    assert [(o.name, o.rows, o.duplicate_rows) for o in found.hours] == [("03:00", 800, 4), ("04:00", 1200, 16)]
    assert (found.exact_rows, found.conflicting_rows) == (14, 6)


def test_names_and_columns_have_a_first_day() -> None:
    new = replace(
        USUAL,
        events={**USUAL.events, "Share": Tally(5)},
        types={"amount": "STRING", "plan": "STRING"},
    )
    found = insights(stored(USUAL, new, new), Settings())
    assert found is not None
    assert {(first.day - DAY).days for first in found.firsts} == {1}
    assert [first.what for first in found.firsts] == [
        "the column amount became STRING, from FLOAT64",
        "first event named Share",
        "first day staged with the column plan (STRING)",
    ]


def test_every_column_of_the_source_has_a_first_and_a_last_day() -> None:
    before = replace(USUAL, types={"mp_insert_id": "STRING", "campaign": "STRING", "properties": "JSON"})
    after = replace(USUAL, types={"mp_insert_id": "STRING", "properties": "STRING", "ref": "INT64"})
    found = insights(stored(before, *[after] * 8), Settings())
    assert found is not None
    assert [((first.day - DAY).days, first.what) for first in found.firsts] == [
        (1, "the column properties became STRING, from JSON"),
        (1, "first day staged with the column ref (INT64)"),
        (0, "last day staged with the column campaign"),
    ]


def test_a_days_keys_keep_what_is_valid_and_not_rejected() -> None:
    (told,) = stored(USUAL).values()
    assert told.kept_by_key == (988, 988, 986)


def test_without_profiles_there_is_nothing_to_tell() -> None:
    assert insights({}, Settings()) is None


def delivered_again(day: Copies) -> Copies:
    return [*day, *(later(c, properties='{"mp_lib": "ios", "secret": "Zq7private"}') for c in day[:60])]


def test_the_page_of_a_day_has_its_figures_samples_and_history(project: Project) -> None:
    project.set(quality={"min_rows": 100})
    project.add([{k: v for k, v in c.items() if k not in ("customer_id", "amount")} for c in copies_of(DAY)])
    project.run()
    before = datetime.now(UTC)
    project.add(
        [{k: v for k, v in c.items() if k not in ("customer_id", "amount")} for c in delivered_again(copies_of(DAY))]
    )
    project.run_judged()
    data = collect(project.warehouse, project.settings, before)
    assert [day.day for day in data.changed] == [DAY]
    (told,) = data.days
    assert [(past.status.value, past.source_rows) for past in told.history] == [("published", 300), ("blocked", 660)]
    assert {d.name for sample in told.samples for d in sample.differences} == {"mp_lib", "n", "secret"}
    assert all(sample.insert_id and sample.time for sample in told.samples)
    assert day_pages(data)["days"][0]["keys"] == ((360, 360, 360), (300, 300, 300))
    html = render_html(data)
    assert "Zq7private" not in html
    assert '"secret","absent","hidden"' in html
    assert "Zq7private" not in to_json(data)
    assert json.loads(to_json(data))["insights"]["lateness"]["lookback_days"] == 3
    shown = to_markdown(data)
    assert shown.startswith(f"# {answer(data).headline}")
    assert markdown(told.why) in shown


NOTHING = {"html": "No run has changed a day since then.", "json": '"changed":[]'}
NOTHING["markdown"] = NOTHING["html"]
AGAIN = {
    "html": "again, as its rows had changed; duplicate rate 0.00 % before, 33.3",
    "json": '"plan_reason":"changed","finished_at":',
}
AGAIN["markdown"] = AGAIN["html"]
KINDS: tuple[Format, ...] = ("html", "markdown", "json")


def test_a_report_tells_what_changed_since_the_one_that_it_replaces(project: Project, tmp_path: Path) -> None:
    def written() -> dict[str, str]:
        for kind in KINDS:
            write_report(project.warehouse, project.settings, tmp_path / kind, kind=kind)
        return {kind: (tmp_path / kind).read_text(encoding="utf-8") for kind in KINDS}

    project.deliver("id | time\na | 10:00")
    project.run()
    assert not [text for text in written().values() if "Since " in text]
    assert None not in [made_before(tmp_path / kind) for kind in KINDS]
    second = written()
    project.deliver("id | time\na | 10:00\nb | 11:00")
    project.run_judged()
    third = written()
    for kind in KINDS:
        assert NOTHING[kind] in second[kind]
        assert AGAIN[kind] not in second[kind]
        assert AGAIN[kind] in third[kind]
    (day,) = json.loads(third["json"])["changed"]
    assert (day["day"], day["state"]) == (str(DAY), "published")
    assert (day["duplicate_rate_before"], day["duplicate_rate"]) == (0.0, pytest.approx(1 / 3))
