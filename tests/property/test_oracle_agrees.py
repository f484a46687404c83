"""The published tables and the figures are what plain Python says, for every key, keep and policy."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given

from mixflows.model import Run
from mixflows.pipeline.stage import discard_batch, stage_batch
from tests.oracle.oracle import KEYS, Copy, deduplicate, fingerprint, invalid, milliseconds
from tests.property.streams import Row, Rules, clear, examples_on, many_streams_for, on_both, published
from tests.spec.project import Project

RULES = list(product(KEYS, ["first", "latest"], ["reject", "keep"]))


OnEngine = Callable[[str], Project]


def use(project: Project, rules: Rules) -> None:
    key, keep, missing = rules
    project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": missing})


@pytest.mark.parametrize(("engine", "rules"), on_both(RULES), ids=str)
def test_the_tables_are_the_oracles(project_on: OnEngine, engine: str, rules: Rules) -> None:
    project = project_on(engine)
    use(project, rules)
    key, keep, missing = rules

    @examples_on(engine, 3)
    @given(many_streams_for(engine))
    def holds(stream: list[Row]) -> None:
        clear(project)
        project.add(stream)
        project.run()
        copies = [Copy.of(row) for row in stream]
        events, rejected = deduplicate(copies, key=key, keep=keep, missing=missing)
        assert published(project) == (Counter(events), Counter(rejected))
        adds_up(project, copies, key)

    holds()


def adds_up(project: Project, copies: list[Copy], key: str) -> None:
    """Per day: source = events + rejected, and no key twice; counted by nobody's SQL."""
    events = Counter(row["partition_date"] for row in project.events())
    rejected = Counter(row["partition_date"] for row in project.rejected())
    assert events + rejected == Counter(copy.day for copy in copies)
    keys = Counter(
        (copy.day, *(getattr(copy, part) for part in KEYS[key])) for copy in map(Copy.of, project.events()) if copy.id
    )
    assert max(keys.values(), default=1) == 1
    assert {row["status"] for row in project.ledger()} == {"published"}


@pytest.mark.parametrize(("engine", "rules"), on_both(RULES[::5]), ids=str)
def test_the_figures_are_plain_counts(project_on: OnEngine, engine: str, rules: Rules) -> None:
    project = project_on(engine)
    use(project, rules)

    @examples_on(engine, 6)
    @given(many_streams_for(engine))
    def holds(stream: list[Row]) -> None:
        clear(project)
        project.add(stream)
        found = figures_of(project)
        by_day: defaultdict[date, list[Copy]] = defaultdict(list)
        for row in stream:
            by_day[row["partition_date"]].append(Copy.of(row))
        assert found == {day: count(day, copies, *rules) for day, copies in by_day.items()}

    holds()


def figures_of(project: Project) -> dict[date, dict[str, int]]:
    context = project.context(Run("figures"))
    batch = stage_batch(context, project.plan().days)
    discard_batch(context, batch)
    return {staged.day: vars(staged.figures) for staged in batch.days}


def count(day: date, copies: list[Copy], key: str, keep: str, missing: str) -> dict[str, int]:
    """Every figure of one day, counted anew."""
    events, rejected = deduplicate(copies, key=key, keep=keep, missing=missing)
    late_from = datetime.combine(day + timedelta(days=4), datetime.min.time(), UTC).timestamp() * 1000
    contents: defaultdict[tuple[object, ...], set[str]] = defaultdict(set)
    for copy in copies:
        if copy.id and invalid(copy, missing, 3600) is None:
            same_instant = (*(getattr(copy, part) for part in KEYS[key]), copy.arrived_ms)
            contents[same_instant].add(fingerprint(copy))
    duplicates = [r for r in rejected if r.row_num]
    return {
        "source_rows": len(copies),
        "kept_rows": len(events),
        "rejected_rows": len(rejected),
        "duplicate_rows": len(duplicates),
        "conflicting_duplicate_rows": sum(not r.exact for r in duplicates),
        "missing_insert_id_rows": sum(not copy.id for copy in copies),
        "missing_time_rows": sum(copy.time is None for copy in copies),
        "future_rows": sum(
            copy.time is not None
            and copy.arrived_ms is not None
            and copy.arrived_ms < milliseconds(copy.time) - 3_600_000
            for copy in copies
        ),
        "late_rows": sum(copy.arrived_ms is not None and copy.arrived_ms >= late_from for copy in copies),
        "valid_keys": len(events),
        "kept_twice_keys": 0,
        "kept_null_key_rows": 0,
        "kept_other_day_rows": 0,
        "ambiguous_keys": sum(len(of_the_instant) > 1 for of_the_instant in contents.values()),
        "kept_without_id_rows": sum(not copy.id for copy in events),
        "retained_rows": 0,
        "gone_events": 0,
    }
