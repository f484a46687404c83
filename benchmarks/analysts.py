"""What analysts gain: their queries on the published events beside the raw table, deduplicated as they read."""

from collections import defaultdict
from pathlib import Path

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.measuring import Span, command, middle, span
from benchmarks.plots import stacked
from benchmarks.rivals.reading import count_rows_read, rows_read
from benchmarks.source import day_of, make_history, opened

DAYS, ROWS, FULL_ROWS = 60, 20_000, 200_000
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


def answer(asked: Asked) -> Answer:
    rows = FULL_ROWS if asked.full else ROWS
    path = asked.folder / "mixflows.duckdb"
    make_history(path, DAYS, rows)
    command("backfill", "--no-prefect", folder=asked.folder)
    found = _queried(path)
    return Answer(
        f"Three queries over {DAYS} days of {rows:,} events, medians of {REPEATS} in turns, in one warm process. Without"
        " published events, an analyst counts copies too, or deduplicates in each query, which gives the same answer.",
        [],
        [Table("Milliseconds", ("query", "over", "wall ms", ": mp_events", "CPU ms", "million rows read"), found)],
        plots=[
            stacked(
                f"bench-analysts{'-long' if asked.full else ''}",
                "Milliseconds of each query over the raw table and over the published events, by the table above",
                [(f"{query}: {over}", query, wall) for query, over, wall, *_ in found],
                "milliseconds",
            )
        ],
    )


def _queried(path: Path) -> list[tuple[str, str, float, float, float, float]]:
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    statements = {
        (query, over): text.format(source=source.format(where=where), where=where)
        for query, (where, text) in QUERIES.items()
        for over, source in FROM.items()
    }
    with opened(path, read_only=True) as connection:
        for repeat in range(REPEATS + 1):
            for place, statement in statements.items():
                with span() as measured:
                    connection.execute(statement).fetchall()
                if repeat:
                    spans[place].append(measured)
    found: list[tuple[str, str, float, float, float, float]] = []
    answers: dict[tuple[str, str], list[str]] = {}
    for (query, over), statement in statements.items():
        with opened(path, read_only=True) as connection:
            count_rows_read(connection)
            answers[query, over] = sorted(map(str, connection.execute(statement).fetchall()))
            read = rows_read(connection)
        measured, published = middle(spans[query, over]), middle(spans[query, PUBLISHED])
        ratio = measured.wall / published.wall
        found.append((query, over, measured.wall * 1000, ratio, measured.cpu * 1000, read / 1e6))
    unlike = [query for query in QUERIES if answers[query, READ_ONCE] != answers[query, PUBLISHED]]
    if unlike:
        raise AssertionError(f"deduplicated, the raw table answers otherwise than the published events: {unlike}")
    return found
