"""What one more day costs with a history behind it: ours, the original design, and a tuned dbt project."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import ROOT, Span, command, middle, process
from benchmarks.plots import lines
from benchmarks.rivals import original_design
from benchmarks.rivals.ours import counted_daily
from benchmarks.rivals.projects import DbtMissingError, DbtProject, install, versions
from benchmarks.server import PrefectServer
from benchmarks.source import Execute, add_days, day_of, make_history, opened
from harness.truth import compare
from mixflows.warehouse.duckdb.connection import SESSIONS

KEPT = ROOT / "docs" / "one-more-day.json"
"""What the long one found; each history by itself takes up to half an hour, and may be measured anew alone."""
OURS, ORIGINAL, DBT_ORIGINAL, DBT_TUNED = "mixflows run", "original, SQL", "original, dbt", "tuned dbt"
REPEATS = 3
UPKEEP = SESSIONS + 1
"""So many further days have one among them that does the upkeep of the tables too."""
UPKEEP_TOLD = (
    "One run of ours in nine joins the small row groups of its tables: with 50 and 365 days behind it, that run is among"
    " those of the median."
)
MINUTES = 20_000_000
"""From so many rows behind it on, the original design takes minutes a day, and is measured once."""
UNCOUNTED = 60_000_000
"""From here on, counting its rows would take as long again, and is left out."""
LATE = ((1, 300), (6, 5_000))
"""Of the day so many days back, one event in so many comes again, and as many new ones come late."""


@dataclass(frozen=True)
class Size:
    """A history, and the ways that are left out at it, as they take many minutes and tell nothing new."""

    days: int
    rows: int
    left_out: tuple[str, ...] = ()
    ours: int = REPEATS
    """Further days that ours takes."""


QUICK = (Size(10, 20_000), Size(50, 20_000))
FULL = (
    Size(10, 200_000),
    Size(50, 200_000, ours=UPKEEP),
    Size(100, 200_000),
    Size(365, 200_000, ours=UPKEEP),
    Size(10, 2_000_000, (ORIGINAL, DBT_ORIGINAL)),
)


@dataclass(frozen=True)
class Subject:
    """One way to take one more day, over a warehouse of its own.

    Attributes:
        first: Publishes the history.
        daily: Takes what was delivered with the day of this number; the whole command.
        rows_read: Takes one more, and counts.
    """

    path: Path
    first: Callable[[], object]
    daily: Callable[[int], Span]
    rows_read: Callable[[int], int]


@dataclass(frozen=True)
class Found:
    """What one subject needed at one history, as the median of further days; `rows_read` is None where not counted.

    Attributes:
        further: Days that it took when its answer was compared; what it gets wrong adds up.
        measured: When; all of one history in one run.
    """

    days: int
    rows: int
    further: int
    span: Span
    longest: float
    rows_read: int | None
    right: str
    measured: str

    @property
    def size(self) -> tuple[int, int]:
        """Days and events a day of the history behind it."""
        return self.days, self.rows


def answer(asked: Asked) -> Answer:
    notes: list[str] = []
    try:
        install()
    except DbtMissingError as err:
        notes.append(f"dbt was not run: it cannot be installed here ({err}).")
    histories = FULL if asked.full else QUICK
    sizes = [size for size in histories if asked.days in (None, size.days)]
    if not sizes:
        raise ValueError(f"no history of {asked.days} days: {', '.join(str(size.days) for size in histories)}")
    found: dict[str, list[Found]] = defaultdict(list)
    if asked.full and KEPT.is_file():
        others = {(size.days, size.rows) for size in histories if size not in sizes}
        for name, several in json.loads(KEPT.read_text(encoding="utf-8")).items():
            kept = [Found(**{**one, "span": Span(**one["span"])}) for one in several]
            found[name] = [one for one in kept if one.size in others]
    with PrefectServer(asked.folder):
        for size in sizes:
            for name, one in _measured(asked.folder, size, with_dbt=not notes).items():
                found[name].append(one)
    if asked.full:
        stored = {name: [asdict(one) for one in several] for name, several in found.items()}
        KEPT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return told(found, [*notes, *([] if notes else [f"dbt: {versions()}."])], full=asked.full)


def told(found: Mapping[str, list[Found]], notes: list[str], *, full: bool) -> Answer:
    """The answer that was found."""
    ours = {f.size: f.span.wall for f in found[OURS]}
    rows = sorted((f.rows, f.days, n, name, f) for n, (name, several) in enumerate(found.items()) for f in several)
    table = Table(
        f"Medians of {REPEATS} further days, of the original design, from {MINUTES:,} rows on, one"
        + (f"; of mixflows run with 50 and 365 days behind it {UPKEEP}" if full else ""),
        (
            "days behind", "events a day", "", "wall s", "longest", ": mixflows", "CPU s", "peak MB",
            "million rows read", "further days", "right?", *(["measured, UTC"] if full else []),
        ),
        [
            (
                f.days, f.rows, name, f.span.wall, f.longest, f.span.wall / ours[f.size], f.span.cpu,
                f.span.peak_mb, "" if f.rows_read is None else f"{f.rows_read / 1e6:,.1f}", f.further, f.right,
                *([f.measured] if full else []),
            )
            for *_, name, f in rows
        ],
    )  # fmt: skip
    base = (FULL if full else QUICK)[0].rows
    points = [(name, f.days, f.span.wall) for name, several in found.items() for f in several if f.rows == base]
    return Answer(
        "The whole command that takes one more day, process start included and a Prefect server running, with days"
        " behind it: `mixflows run` with its gate and row checks; the original design's statements on the same DuckDB;"
        " dbt-duckdb with the original design, and with a tuned project (delete+insert on the last three days, a test of"
        " the key on that window). With each day come copies and new events of the day before and, fewer, of the sixth"
        " day before, and rows without insert id. Rows read are those that scans read on a further day; ours finds the days that changed"
        " from two narrow columns of the whole source, which are among them. The last column is the answer beside the truth by"
        " plain SQL, after so many further days: what is wrong adds up. What is missed, and where the seconds go: [seconds of a"
        " daily run](decisions/seconds-of-a-daily-run.md).",
        _figures(found, full=full),
        [table],
        [*notes, *([UPKEEP_TOLD] if full else []), *_left_out(FULL if full else QUICK)],
        [
            lines(
                f"bench-one-more-day{'-long' if full else ''}",
                "Seconds for one more day against the days of history behind it, for the four ways of the table",
                points,
                "days of history",
                "seconds, the whole command",
                log="xy",
            )
        ],
    )


def _left_out(sizes: Sequence[Size]) -> list[str]:
    left_out = [
        f"Not run with {size.days} days of {size.rows:,} behind it, for the minutes that it takes: {' and '.join(size.left_out)}."
        for size in sizes
        if size.left_out
    ]
    uncounted = [
        f"The original design's rows are not counted from {UNCOUNTED:,} on: that takes as long as it does, again."
    ]
    return left_out + (uncounted if any(size.days * size.rows >= UNCOUNTED for size in sizes) else [])


def _figures(found: Mapping[str, list[Found]], *, full: bool) -> list[Figure]:
    """The limits hold for 200,000 events a day; with fewer, the start of a process is most of what is seen."""
    if not full:
        return []
    ours = {f.size: f.span.wall for f in found[OURS]}
    others = {(name, f.size): f.span.wall for name, several in found.items() for f in several}
    return [
        Figure(what, ours[size] / others[name, size], limit)
        for what, name, size, limit in (
            ("365 days, mixflows : original", ORIGINAL, (365, 200_000), 1 / 50),
            ("50 days, mixflows : tuned dbt", DBT_TUNED, (50, 200_000), 1),
            ("2,000,000 a day, mixflows : tuned dbt", DBT_TUNED, (10, 2_000_000), 1 / 3),
        )
        if (name, size) in others
    ]


def _measured(folder: Path, size: Size, *, with_dbt: bool) -> dict[str, Found]:
    days, rows = size.days, size.rows
    place = folder / f"{days}x{rows}"
    place.mkdir()
    source = place / "source.duckdb"
    make_history(source, days, rows)
    found: dict[str, Found] = {}
    for name, make in _subjects(with_dbt=with_dbt).items():
        if name in size.left_out:
            continue
        home = place / name.replace(" ", "-").replace(",", "")
        home.mkdir()
        shutil.copy(source, home / "mixflows.duckdb")
        slow = name in (ORIGINAL, DBT_ORIGINAL)
        repeats = size.ours if name == OURS else 1 if slow and days * rows >= MINUTES else REPEATS
        subject = make(home, day_of(days - 1).isoformat())
        found[name] = _one(subject, size, repeats, counted=not slow or days * rows < UNCOUNTED)
        shutil.rmtree(home)  # the next one needs the room
    shutil.rmtree(place)
    return found


def _subjects(*, with_dbt: bool) -> dict[str, Callable[[Path, str], Subject]]:
    subjects: dict[str, Callable[[Path, str], Subject]] = {OURS: _ours, ORIGINAL: _original}
    if with_dbt:
        subjects |= {DBT_ORIGINAL: partial(_dbt, "original"), DBT_TUNED: partial(_dbt, "tuned")}
    return subjects


def _ours(home: Path, _: str) -> Subject:
    path = home / "mixflows.duckdb"
    return Subject(
        path,
        lambda: command("backfill", "--no-prefect", folder=home),
        lambda number: command("run", "--as-of", day_of(number).isoformat(), folder=home),
        lambda number: counted_daily(path, day_of(number)),
    )


def _original(home: Path, _: str) -> Subject:
    path = home / "mixflows.duckdb"
    words = [*original_design.WORDS, str(path)]
    return Subject(
        path,
        lambda: process(words, home),
        lambda _: process(words, home),
        lambda _: original_design.daily(path, count=True),
    )


def _dbt(which: str, home: Path, last: str) -> Subject:
    path = home / "mixflows.duckdb"
    project = DbtProject(which, home, path)
    return Subject(
        path,
        lambda: project.build(last),
        lambda number: project.build(day_of(number).isoformat()),
        lambda number: project.rows_read(day_of(number).isoformat()),
    )


def _one(subject: Subject, size: Size, repeats: int, *, counted: bool) -> Found:
    days, rows = size.days, size.rows
    subject.first()
    spans: list[Span] = []
    for number in range(days, days + repeats):
        deliver(subject.path, number, rows)
        spans.append(subject.daily(number))
    read, further = None, repeats
    if counted:
        deliver(subject.path, days + repeats, rows)
        read, further = subject.rows_read(days + repeats), repeats + 1
    with opened(subject.path) as connection:
        right = str(compare(connection.execute))
    longest = max(span.wall for span in spans)
    return Found(days, rows, further, middle(spans), longest, read, right, f"{datetime.now(UTC):%Y-%m-%d %H:%M}")


def deliver(path: Path, number: int, rows: int, late: Sequence[tuple[int, int]] = LATE) -> None:
    """Lands the day with this number, and what comes late of days before it."""
    with opened(path) as connection:
        execute: Execute = connection.execute
        execute("SET max_vacuum_tasks = 0")  # no way's upkeep of its tables is done here, where nobody measures
        add_days(execute, number, 1, rows)
        landed = f"TIMESTAMPTZ '{day_of(number + 1)} 03:00:00+00'"
        for back, one_in in late:
            day = f"partition_date = DATE '{day_of(number - back)}' AND hash(mp_insert_id, {number}) % {one_in}"
            for share, insert_id in ((0, "mp_insert_id"), (1, f"'late {number} ' || mp_insert_id")):
                execute(
                    f"INSERT INTO mp_master_event SELECT * REPLACE ({insert_id} AS mp_insert_id, {landed} AS loaded_at,"
                    f" mp_processing_time_ms + {back} * 86400000 AS mp_processing_time_ms)"
                    f" FROM mp_master_event WHERE {day} = {share}"
                )
        execute(
            f"INSERT INTO mp_master_event SELECT * REPLACE (NULL AS mp_insert_id) FROM mp_master_event"
            f" WHERE partition_date = DATE '{day_of(number)}' AND hash(mp_insert_id, 3) % 5000 = 0"
        )
        execute("CHECKPOINT")
