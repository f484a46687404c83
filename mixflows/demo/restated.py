"""The demo's month as Mixpanel has it: by day of the events, and what Mixpanel restates of it after it was fetched once."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mixflows.demo.counts import day_of
from mixflows.demo.shop import DAY_SECONDS
from mixflows.demo.story import DemoSpec

Lines = dict[date, list[bytes]]
REKEYED_VISITORS = 40


@dataclass(frozen=True)
class Restated:
    """What Mixpanel restated, in rows.

    Attributes:
        rekeyed_rows: Known rows that have another distinct id, because Mixpanel merged identities.
        compacted_rows: Duplicates that Mixpanel removed.
        deleted_rows: Events that Mixpanel deleted with all their copies, of which each had one.
    """

    rekeyed_rows: int
    compacted_rows: int = 1
    deleted_rows: int = 1

    @property
    def gone_rows(self) -> int:
        """Rows that the source had and a newer delivery lacks."""
        return self.compacted_rows + self.deleted_rows


def add_by_day(lines: Lines, files: Iterable[Path]) -> None:
    """Adds the lines of files to the days of their events, in UTC; a malformed line to the day that names its file."""
    for path in files:
        delivered = date.fromisoformat(path.name.removesuffix(".jsonl.gz")[-10:])
        with gzip.open(path) as file:
            for line in file.read().splitlines():
                event = _properties(line)
                lines.setdefault(day_of(event["time"] // DAY_SECONDS) if event else delivered, []).append(line)


def restate(lines: Lines, later_files: Iterable[Path], spec: DemoSpec) -> Restated:
    """Adds what arrives later, merges identities on one day, and removes a duplicate and an event of another one."""
    rekeyed, shrunk = spec.held_back_days[1], spec.flaky_day
    known = len(lines[rekeyed])
    add_by_day(lines, later_files)
    visitors = sorted({str(event["distinct_id"]) for line in lines[rekeyed] if (event := _properties(line))})
    merged = [_merged(line, frozenset(visitors[:REKEYED_VISITORS])) for line in lines[rekeyed]]
    changed = sum(new != old for new, old in zip(merged[:known], lines[rekeyed][:known], strict=True))
    lines[rekeyed] = merged
    _remove_one(lines[shrunk], has_copies=True)
    _remove_one(lines[shrunk], has_copies=False)
    return Restated(rekeyed_rows=changed)


def _properties(line: bytes) -> dict[str, Any] | None:
    """The properties of an event; None of a malformed line."""
    try:
        properties: dict[str, Any] = json.loads(line)["properties"]
        return properties if isinstance(properties["time"], int) else None
    except (ValueError, TypeError, KeyError):
        return None


def _merged(line: bytes, visitors: frozenset[str]) -> bytes:
    """The line with the distinct id of the merged identity. A row without insert id is as it was: it has no identity."""
    properties = _properties(line)
    if properties is None or not properties.get("$insert_id") or properties["distinct_id"] not in visitors:
        return line
    before = properties["distinct_id"]
    known = {"distinct_id": f"merged-{before}", "$distinct_id_before_identity": before}
    return json.dumps(json.loads(line) | {"properties": properties | known}, ensure_ascii=False).encode()


def _remove_one(lines: list[bytes], *, has_copies: bool) -> None:
    """Removes the last copy of the first event that has copies, or the first event that has none."""
    copies: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for number, line in enumerate(lines):
        event = _properties(line)
        if event and event.get("$insert_id") and event["time"] * 1000 <= event["mp_processing_time_ms"]:
            copies[event["$insert_id"], event["time"]].append((event["mp_processing_time_ms"], number))
    _, number = next(max(found) for found in copies.values() if (len(found) > 1) == has_copies)
    del lines[number]
