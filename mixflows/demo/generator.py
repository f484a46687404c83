"""Writes a made-up shop's Mixpanel raw export, with the faults of real ones, and says exactly how many of each.

An export is one file per delivery day, as a daily download gives it, and a second batch that arrives when the first has
been processed already: one more day, events of earlier days that phones held back, and parts of old days once more.
"""

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from mixflows.demo.catalogue import WEEKDAY_VOLUME
from mixflows.demo.counts import (
    DUPLICATE,
    FUTURE,
    KEPT,
    Books,
    ExportCounts,
    FileCounts,
    day_of,
    number_of,
)
from mixflows.demo.faults import MALFORMED, at_time, without_insert_id
from mixflows.demo.shop import DAY_SECONDS, Event, day_events
from mixflows.demo.story import DemoSpec

_DAY_MS = DAY_SECONDS * 1000
_MISSING_INSERT_ID_RATE = 0.0002
_FUTURE_RATE = 0.0003
_CLOCK_AHEAD_RATE = 0.001
_CLOCK_BEHIND_RATE = 0.0005
_HELD_BACK_RATE = 0.02
_DOWNLOADED_AGAIN_RATE = 0.002
_EVENTS_PER_VISITOR = 25
_LINES_PER_WRITE = 2_000
_FASTEST_USEFUL_COMPRESSION = 3


@dataclass(frozen=True)
class DemoExport:
    """The files and the truth about them.

    Attributes:
        first_files: The files of the first batch, in order of delivery.
        later_files: The files that arrive after the first batch was processed.
        before: What the first batch holds.
        after: What both batches hold together.
    """

    spec: DemoSpec
    first_files: tuple[Path, ...]
    later_files: tuple[Path, ...]
    before: ExportCounts
    after: ExportCounts


class _Row(NamedTuple):
    """One line to deliver; rows of a file are written in the order of `arrival_ms, number`."""

    arrival_ms: int
    number: int
    line: bytes
    time: int
    fate: str
    conflicting: bool


class _Oddities(NamedTuple):
    """Which events of a day, by position, are made odd; none is odd in two ways."""

    missing_insert_id: list[int]
    future: list[int]
    clock_ahead: list[int]
    clock_behind: list[int]
    held_back: list[int]
    downloaded_again: list[int]
    copied: list[int]


def write_export(folder: Path, spec: DemoSpec, on_progress: Callable[[float], None] | None = None) -> DemoExport:
    """Writes the export's files to `folder/first` and `folder/later`, one day in memory at a time.

    Files of the same names are replaced and others are left alone: the returned paths are the export, not the folder.

    Args:
        folder: Where to; made if need be.
        spec: What to write.
        on_progress: Told the share of the work that is done, 0 to 1, after each day.

    Returns:
        The paths, and the counts that were kept while the lines were made.
    """
    return _Writer(folder, spec).write(on_progress or (lambda _: None))


class _Writer:
    """Makes the rows day by day and writes each delivery day's file as soon as no earlier event can still join it."""

    def __init__(self, folder: Path, spec: DemoSpec) -> None:
        self._folder = folder
        self._spec = spec
        self._first = number_of(spec.first_day)
        self._last = number_of(spec.last_day)
        self._new = number_of(spec.new_day)
        self._books = Books()
        self._by_delivery: defaultdict[int, list[_Row]] = defaultdict(list)
        self._downloaded_again: list[_Row] = []
        self._rows_made = 0

    def write(self, on_progress: Callable[[float], None]) -> DemoExport:
        first_files: list[Path] = []
        later_files: list[Path] = []
        before = self._books.counts()
        done = 0.0
        for number, share in _daily_shares(self._first, self._new):
            rng = random.Random(f"{self._spec.seed}/day/{number - self._first}")
            self._make_day(rng, number, round(self._spec.events * share))
            is_new = number == self._new
            path = self._folder / ("later" if is_new else "first") / f"events-{day_of(number)}.jsonl.gz"
            self._write_file(rng, path, self._by_delivery.pop(number, []), self._malformed_at(number))
            (later_files if is_new else first_files).append(path)
            if number == self._last:
                before = self._books.counts()
            done += share
            on_progress(min(done, 0.999))
        path = self._folder / "later" / f"downloaded-again-{self._spec.new_day}.jsonl.gz"
        rng = random.Random(f"{self._spec.seed}/downloaded-again")
        self._write_file(rng, path, self._downloaded_again, ())
        later_files.append(path)
        on_progress(1.0)
        return DemoExport(self._spec, tuple(first_files), tuple(later_files), before, self._books.counts())

    def _make_day(self, rng: random.Random, number: int, count: int) -> None:
        spec, day = self._spec, day_of(number)
        visitors = max(50, spec.events // _EVENTS_PER_VISITOR)
        released = _singles(_copies(count, spec.retry_duplicate_rate)) if day == spec.retry_day else 0
        events = list(day_events(rng, spec.seed, number, count, visitors, released))
        odd = self._choose(rng, day, events)
        copies = Counter(odd.copied)
        strange: dict[int, Callable[[random.Random, Event], tuple[Event, str]]] = {}
        strange.update(dict.fromkeys(odd.missing_insert_id, without_insert_id))
        strange.update(dict.fromkeys(odd.future, self._from_the_future))
        strange.update(dict.fromkeys(odd.clock_ahead, self._clock_ahead))
        strange.update(dict.fromkeys(odd.clock_behind, self._clock_behind))
        strange.update(dict.fromkeys(odd.held_back, self._held_back))
        again = frozenset(odd.downloaded_again)
        sdk_only = day in (spec.retry_day, spec.flaky_day)
        for index, event in enumerate(events):
            sent, fate = strange[index](rng, event) if index in strange else (event, KEPT)
            row = self._row(sent, fate)
            self._deliver(row, row.arrival_ms // _DAY_MS)
            if index in again and row.arrival_ms < self._new * _DAY_MS:  # only what the first batch has
                self._downloaded_again.append(self._again(row))
            for _ in range(copies[index]):
                self._deliver(*self._copy(rng, sent, row, sdk_only))

    def _choose(self, rng: random.Random, day: date, events: list[Event]) -> _Oddities:
        """Picks the odd events: as many as the rates say, give or take; chance alone trips no threshold."""
        spec, count = self._spec, len(events)
        sizes = [
            _about(rng, count * _MISSING_INSERT_ID_RATE),
            _about(rng, count * _FUTURE_RATE),
            _about(rng, count * _CLOCK_AHEAD_RATE),
            _about(rng, count * _CLOCK_BEHIND_RATE),
            round(count * _HELD_BACK_RATE) if day in spec.held_back_days else 0,
            round(count * _DOWNLOADED_AGAIN_RATE) if day in spec.downloaded_again_days else 0,
        ]
        positions = iter(rng.sample(range(count), sum(sizes)))
        picked = [[next(positions) for _ in range(size)] for size in sizes]
        taken = {index for indexes in picked for index in indexes}
        if day == spec.retry_day:
            copies = _copies(count, spec.retry_duplicate_rate)
            eligible = [n for n, event in enumerate(events) if n not in taken and event.is_of_retrying_release]
        elif day == spec.flaky_day:
            copies = _copies(count, spec.flaky_duplicate_rate)
            eligible = [n for n, event in enumerate(events) if n not in taken and event.is_mobile]
        else:
            copies = _about(rng, count * spec.duplicate_rate)
            eligible = [n for n in range(count) if n not in taken]
        return _Oddities(*picked, copied=_spread(rng, eligible, copies))

    def _from_the_future(self, rng: random.Random, event: Event) -> tuple[Event, str]:
        time = event.arrival_ms // 1000 + 7_200 + int(rng.random() * 30 * 3_600)
        return (at_time(event, time), FUTURE) if self._fits(time, event.arrival_ms) else (event, KEPT)

    def _clock_ahead(self, rng: random.Random, event: Event) -> tuple[Event, str]:
        time = event.arrival_ms // 1000 + 60 + int(rng.random() * 3_000)
        return (at_time(event, time), KEPT) if self._fits(time, event.arrival_ms) else (event, KEPT)

    def _clock_behind(self, rng: random.Random, event: Event) -> tuple[Event, str]:
        time = event.time - 3_600 - int(rng.random() * 2 * DAY_SECONDS)
        return (at_time(event, time), KEPT) if self._fits(time, event.arrival_ms) else (event, KEPT)

    def _fits(self, time: int, arrival_ms: int) -> bool:
        """Whether a wrong clock leaves the event within the days that its batch is about."""
        end = self._last if arrival_ms // _DAY_MS <= self._last else self._new
        return self._first <= time // DAY_SECONDS <= end

    def _held_back(self, rng: random.Random, event: Event) -> tuple[Event, str]:
        arrival_ms = self._new * _DAY_MS + 9 * 3_600_000 + int(rng.random() * 1_200_000)
        properties = {**event.properties, "mp_processing_time_ms": arrival_ms}
        return event._replace(arrival_ms=arrival_ms, properties=properties), KEPT

    def _copy(self, rng: random.Random, event: Event, row: _Row, sdk_only: bool) -> tuple[_Row, int]:
        """Another copy of a kept event, and its delivery day: never before the event's own."""
        chance = 0.0 if sdk_only else rng.random()
        if chance > 0.9:
            return self._again(row), row.arrival_ms // _DAY_MS + 1
        arrival_ms = row.arrival_ms + 1_000 + int(rng.expovariate(1 / 90_000))
        properties = {**event.properties, "mp_processing_time_ms": arrival_ms}
        conflicting = chance > 0.82
        if conflicting:
            properties["$city"] = f"{properties['$city']} (Airport)"
        elif rng.random() < 0.3:
            properties = dict(sorted(properties.items(), reverse=True))
        copy = self._row(event._replace(arrival_ms=arrival_ms, properties=properties), DUPLICATE, conflicting)
        return copy, arrival_ms // _DAY_MS

    def _row(self, event: Event, fate: str, conflicting: bool = False) -> _Row:
        self._rows_made += 1
        record = {"event": event.name, "properties": event.properties}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        return _Row(event.arrival_ms, self._rows_made, line, event.time, fate, conflicting)

    def _again(self, row: _Row) -> _Row:
        self._rows_made += 1
        return row._replace(number=self._rows_made, fate=DUPLICATE)

    def _deliver(self, row: _Row, delivery: int) -> None:
        if delivery <= self._new:
            self._by_delivery[delivery].append(row)

    def _malformed_at(self, number: int) -> tuple[int, ...]:
        """Which kinds of malformed line the file of a delivery day has."""
        kinds = len(MALFORMED)
        if number == self._new:
            return (0, 1)
        spacing = max(1, self._spec.days // (kinds + 1))
        position = number - self._first
        return (position // spacing % kinds,) if position % spacing == spacing // 2 else ()

    def _write_file(self, rng: random.Random, path: Path, rows: list[_Row], malformed: Iterable[int]) -> None:
        rows.sort(key=lambda row: row[:2])
        for row in rows:
            self._books.add_row(row.time, row.arrival_ms, row.fate, row.conflicting)
        lines = [row.line for row in rows]
        spoilt = [MALFORMED[kind](lines[int(rng.random() * len(lines))]) for kind in malformed]
        for line in spoilt:
            lines.insert(int(rng.random() * len(lines)), line)
        self._books.add_file(FileCounts(path.name, source_rows=len(rows), malformed_rows=len(spoilt)))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as raw, gzip.GzipFile("", "wb", _FASTEST_USEFUL_COMPRESSION, raw, mtime=0) as file:
            for start in range(0, len(lines), _LINES_PER_WRITE):
                file.write(b"\n".join(lines[start : start + _LINES_PER_WRITE]) + b"\n")


def _daily_shares(first: int, last: int) -> Iterator[tuple[int, float]]:
    """Days with their share of all events: a week's rhythm on a shop that grows by about 6 % a month.

    The rhythm begins anew on the first day, whatever its weekday, so that the counts do not depend on the dates.
    """
    weights = {n: WEEKDAY_VOLUME[(n - first) % 7] * (1 + 0.002 * (n - first)) for n in range(first, last + 1)}
    total = sum(weights.values())
    for number, weight in weights.items():
        yield number, weight / total


def _about(rng: random.Random, expected: float) -> int:
    """A whole number near the expected one, equal to it on average, never more than 1.4 times it and one."""
    return int(expected * (0.6 + 0.8 * rng.random()) + rng.random())


def _copies(events: int, rate: float) -> int:
    """How many further copies make up this share of all rows."""
    return round(events * rate / (1 - rate))


def _singles(copies: int) -> int:
    """How many different events so many copies are of: one copy in eight goes to an event that has one already."""
    return copies - copies // 8


def _spread(rng: random.Random, eligible: list[int], copies: int) -> list[int]:
    """Which events are copied, one entry per copy."""
    if not eligible or copies == 0:
        return []
    singles = rng.sample(eligible, min(len(eligible), _singles(copies)))
    return singles + [singles[int(rng.random() * len(singles))] for _ in range(copies - len(singles))]
