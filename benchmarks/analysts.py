"""What analysts gain: their queries on the published events beside the raw table, deduplicated as they read."""

from collections import defaultdict
from pathlib import Path

from benchmarks.plots import stacked
from benchmarks.registry import Place
from benchmarks.results import Answer, Table
from benchmarks.source import day_of, opened, project
from benchmarks.timed_run import Span, command, middle, span
from mixflows.errors import MixflowsError

REPEATS = 7
RAW = "the raw table, copies among them"
READ_ONCE = "the raw table, deduplicated by the query"
PUBLISHED = "mp_events"
FROM = {
    RAW: "mp_master_event",
    READ_ONCE: (
        "(SELECT * FROM mp_master_event WHERE {where} AND mp_insert_id IS NOT NULL"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY mp_insert_id, time ORDER BY mp_processing_time_ms) = 1)"
    ),
    PUBLISHED: "mp_events",
}
QUERIES = {
    "events of a day by name": (
        f"partition_date = DATE '{day_of(40)}'",
        "SELECT mp_event_name, count(*) FROM {source} WHERE {where} GROUP BY ALL",
    ),
    "customers of a month": (
        f"partition_date BETWEEN DATE '{day_of(20)}' AND DATE '{day_of(49)}'",
        "SELECT count(DISTINCT customer_id) FROM {source} WHERE {where}",
    ),
    "one customer's events": (
        "customer_id = 'customer7'",
        "SELECT time, mp_event_name, properties FROM {source} WHERE {where} ORDER BY time",
    ),
}


def measure(place: Place, days: int, rows: int) -> Answer:
    path = project(place.folder / "home", days, rows)
    command("backfill", "--no-prefect", folder=path.parent)
    found = _queried(path)
    return Answer(
        f"Three queries over {days} days of {rows:,} events, medians of {REPEATS} in turns, in one warm process. Without"
        " published events, an analyst counts copies too, or deduplicates in each query, which gives the same answer.",
        tables=[Table("Milliseconds", ("query", "over", "wall ms", ": mp_events", "CPU ms"), found)],
        plots=[
            stacked(
                f"bench-analysts-{rows}",
                "Milliseconds of each query over the raw table and over the published events, by the table above",
                [(f"{query}: {over}", query, wall) for query, over, wall, *_ in found],
                "milliseconds",
            )
        ],
    )


def _queried(path: Path) -> list[tuple[str, str, float, float, float]]:
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    answers: dict[tuple[str, str], list[str]] = {}
    with opened(path, read_only=True) as connection:
        for repeat in range(REPEATS + 1):
            for query, (where, text) in QUERIES.items():
                for over, source in FROM.items():
                    statement = text.format(source=source.format(where=where), where=where)
                    with span() as measured:
                        rows = connection.execute(statement).fetchall()
                    answers[query, over] = sorted(map(str, rows))
                    if repeat:
                        spans[query, over].append(measured)
    unlike = [query for query in QUERIES if answers[query, READ_ONCE] != answers[query, PUBLISHED]]
    if unlike:
        raise MixflowsError(f"the deduplicated raw table and the published events answer differently: {unlike}")
    medians = {place: middle(several) for place, several in spans.items()}
    return [
        (query, over, m.wall * 1000, m.wall / medians[query, PUBLISHED].wall, m.cpu * 1000)
        for (query, over), m in medians.items()
    ]
