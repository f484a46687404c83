"""The real stream: the pipeline, a few lines of plain Python, and the known answers say the same."""

import gzip
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mixflows.model import Status
from mixflows.pipeline.land import land_one
from mixflows.warehouse import close_warehouses
from tests.oracle.oracle import Copy, Rejected, deduplicate
from tests.oracle.real_stream import STREAM, day_of, expected, read_lines
from tests.property.streams import published
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project

pytestmark = pytest.mark.xdist_group("stream")

LANDED_COLUMNS = {"landing": {"promote": {}}}
Answer = tuple[Counter[Copy], Counter[Rejected]]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return read_lines()


@pytest.fixture(scope="module")
def answers(lines: list[str]) -> dict[str, Answer]:
    """The oracle's tables, by which copy is kept."""
    copies = list(map(Copy.of_line, lines))
    return {keep: oracles(copies, keep) for keep in ("first", "latest")}


@pytest.fixture(scope="module")
def days(lines: list[str]) -> dict[date, list[str]]:
    """The lines of each day."""
    by_day: defaultdict[date, list[str]] = defaultdict(list)
    for line in lines:
        by_day[day_of(line)].append(line)
    return by_day


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield Project(DuckDBEngine(tmp_path), **LANDED_COLUMNS)
    close_warehouses()


def land(project: Project, path: Path) -> None:
    land_one(project.warehouse, project.settings, path, again=False)


def land_lines(project: Project, folder: Path, *files: Sequence[str]) -> None:
    for number, lines in enumerate(files):
        path = folder / f"export-{number}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(lines).encode(), compresslevel=1))
        land(project, path)


def checksum(events: Iterable[Copy]) -> str:
    """See `checksum_definition` in the stream's known answers."""
    total = 0
    for event in events:
        assert event.time is not None
        text = f"{event.id}|{int(event.time.timestamp())}|{event.arrival_ms}"
        total ^= int(hashlib.md5(text.encode()).hexdigest()[:16], 16)
    return f"{total:016x}"


def oracles(copies: Iterable[Copy], keep: str) -> Answer:
    events, rejected = deduplicate(copies, key="insert_id_time", keep=keep)
    return Counter(events), Counter(rejected)


@pytest.mark.parametrize("keep", ["first", "latest"])
def test_the_oracle_gives_the_known_answer(answers: dict[str, Answer], keep: str) -> None:
    events, rejected = answers[keep]
    known = expected()
    assert (events.total(), rejected.total()) == (known["kept"], known["rejected"])
    assert checksum(events) == known[f"checksum_keep_{keep}"]


@pytest.mark.timeout(900)  # 2,179 days; 90 s on two idle cores
def test_the_whole_stream_gives_the_known_answer(project: Project, answers: dict[str, Answer]) -> None:
    known = expected()
    land(project, STREAM)
    result = project.run()
    assert Counter(outcome.row.status for outcome in result.outcomes) == {"published": known["days_utc"]}
    assert {
        str(row.partition_date): {"source": row.source_rows, "kept": row.kept_rows, "rejected": row.rejected_rows}
        for row in (outcome.row for outcome in result.outcomes)
        if str(row.partition_date) in known["busiest_days"]
    } == known["busiest_days"]
    found = published(project, versions=False)
    assert checksum(found[0]) == known["checksum_keep_first"]
    assert found == answers["first"]
    assert project.planned() == {}


def test_shuffled_and_split_into_landings_with_runs_between_it_gives_the_same(
    project: Project, days: dict[date, list[str]], tmp_path: Path
) -> None:
    project.set(pipeline={"keep": "latest"})
    chosen = [line for day in sorted(days)[::10] for line in days[day]]
    random.Random(7).shuffle(chosen)
    third = len(chosen) // 3
    for number, part in enumerate((chosen[:third], chosen[third : 2 * third], chosen[2 * third :])):
        folder = tmp_path / str(number)
        folder.mkdir()
        land_lines(project, folder, part)
        if number != 1:
            project.run(newest_first=number == 0)
    assert len(days) // 10 <= len({row["partition_date"] for row in project.ledger()}) <= len(days) // 10 + 1
    source = [Copy.of(row) for row in project.engine.rows(project.settings.tables.source)]
    assert Counter(replace(copy, loaded_at=None) for copy in source) == Counter(map(Copy.of_line, chosen))
    # Of copies that arrived at one instant, the one that was landed last wins.
    events, rejected = deduplicate(source, key="insert_id_time", keep="latest")
    assert published(project) == (Counter(events), Counter(rejected))


def test_the_default_thresholds_block_the_bad_days_of_enough_rows(
    project: Project, days: dict[date, list[str]], tmp_path: Path
) -> None:
    bad, fine = {}, {}
    for day, of_the_day in days.items():
        rows, duplicates = len(of_the_day), 0
        if rows >= project.settings.quality.min_rows:
            duplicates = oracles(map(Copy.of_line, of_the_day), "first")[1].total()
            (bad if duplicates / rows > 0.01 else fine)[day] = of_the_day
    known: dict[str, Any] = expected()["busiest_days"]
    assert {date(2025, 12, 3), date(2023, 6, 6)} <= set(bad)
    assert {date.fromisoformat(day) for day in known} <= {*bad, *fine}
    small = dict(list(days.items())[:5])
    land_lines(project, tmp_path, *bad.values(), *fine.values(), *small.values())
    result = project.run_judged()
    assert result.exit_code == 3
    blocked = {outcome.row.partition_date: outcome.row.note for outcome in result.days(Status.BLOCKED)}
    assert set(blocked) == set(bad)
    assert blocked[date(2025, 12, 3)].startswith("32.56 % of 3,526 rows are duplicates")
    assert blocked[date(2023, 6, 6)].startswith("1.81 % of ")
    assert {row["partition_date"] for row in project.events()} == {*fine, *small} - set(bad)
    project.set(quality={"duplicate_rate": {"critical": 0.5}})
    assert project.run_judged().exit_code == 0
    assert {row["partition_date"] for row in project.events()} == {*bad, *fine, *small}
