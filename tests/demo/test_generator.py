"""The generator's export is what it says, told by counting its files again with a few lines of plain Python."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mixflows.demo.catalogue import RETRYING_RELEASE
from mixflows.demo.counts import DUPLICATE, FUTURE, KEPT, MISSING_INSERT_ID, REASONS, DayCounts, ExportCounts
from mixflows.demo.generator import DemoExport, write_export
from mixflows.demo.story import DemoSpec
from mixflows.settings import Bounds, Settings

pytestmark = pytest.mark.xdist_group("export")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SMALL = DemoSpec(seed=3, days=10, events=22_000)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> DemoExport:
    """The export that the demo shows: nothing but defaults."""
    return write_export(tmp_path_factory.mktemp("demo"), DemoSpec())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DemoExport:
    return write_export(tmp_path_factory.mktemp("small"), SMALL)


def lines_of(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        for line in gzip.decompress(file.read_bytes()).split(b"\n")[:-1]:
            yield file.name, line


def properties_of(files: Sequence[Path]) -> Iterator[tuple[str, dict]]:
    for _, line in lines_of(files):
        try:
            record = json.loads(line)
            if isinstance(record["properties"]["time"], int):
                yield record["event"], record["properties"]
        except (ValueError, KeyError, TypeError):
            continue


def content_of(line: bytes) -> str:
    record = json.loads(line)
    del record["properties"]["mp_processing_time_ms"]
    return json.dumps(record, sort_keys=True)


def count_plainly(files: Sequence[Path]) -> tuple[dict[date, Counter[str]], dict[str, tuple[int, int]]]:
    """An oracle: rows per day and fate, and lines and malformed lines per file, by a dictionary over all lines."""
    days: dict[date, Counter[str]] = {}
    per_file: dict[str, list[int]] = {file.name: [0, 0] for file in files}
    copies: dict[tuple[str, int], list[tuple[int, bytes]]] = {}
    for name, line in lines_of(files):
        per_file[name][0] += 1
        try:
            properties = json.loads(line)["properties"]
            day = EPOCH + timedelta(seconds=properties["time"])
        except (ValueError, KeyError, TypeError):
            per_file[name][1] += 1
            continue
        rows, arrival_ms = days.setdefault(day.date(), Counter()), properties["mp_processing_time_ms"]
        rows["late"] += ((EPOCH + timedelta(milliseconds=arrival_ms)).date() - day.date()).days > 3
        if properties.get("$insert_id") is None:
            rows[MISSING_INSERT_ID] += 1
        elif day > EPOCH + timedelta(milliseconds=arrival_ms, hours=1):
            rows[FUTURE] += 1
        else:
            copies.setdefault((properties["$insert_id"], properties["time"]), []).append((arrival_ms, line))
    for (_, time), delivered in copies.items():
        rows = days[(EPOCH + timedelta(seconds=time)).date()]
        rows[KEPT] += 1
        rows[DUPLICATE] += len(delivered) - 1
        if len(delivered) > 1:
            contents = [content_of(line) for _, line in sorted(delivered)]
            rows["conflicting"] += sum(content != contents[0] for content in contents)
    return days, {name: (lines, malformed) for name, (lines, malformed) in per_file.items()}


def as_counter(day: DayCounts) -> Counter[str]:
    return Counter(
        {
            KEPT: day.kept_rows,
            **day.rejected_by_reason,
            "conflicting": day.conflicting_rows,
            "late": day.late_rows,
        }
    )


def assert_agrees(counts: ExportCounts, files: Sequence[Path]) -> None:
    days, per_file = count_plainly(files)
    assert {day.day: as_counter(day) for day in counts.days} == days
    assert {
        file.file_name: (file.source_rows + file.malformed_rows, file.malformed_rows) for file in counts.files
    } == per_file
    assert sum(file.source_rows for file in counts.files) == counts.source_rows
    assert counts.source_rows == counts.kept_rows + counts.rejected_rows
    assert counts.rejected_rows == sum(counts.rejected_by_reason[reason] for reason in REASONS)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_counts_agree_for_other_seeds_sizes_and_days(tmp_path: Path, seed: int) -> None:
    spec = DemoSpec(seed=seed, days=10 + seed, events=9_000, last_day=date(2024, 3, seed), duplicate_rate=0.02)
    export = write_export(tmp_path, spec)
    assert_agrees(export.before, export.first_files)
    assert_agrees(export.after, export.first_files + export.later_files)


def test_the_same_spec_gives_the_same_bytes_in_place_of_what_was_there(small: DemoExport, tmp_path: Path) -> None:
    write_export(tmp_path, DemoSpec(seed=8, days=10, events=9_000))
    two = write_export(tmp_path, SMALL)
    assert [path.name for path in small.first_files] == [path.name for path in two.first_files]
    for left, right in zip(small.first_files + small.later_files, two.first_files + two.later_files, strict=True):
        assert left.read_bytes() == right.read_bytes()
    assert (small.before, small.after) == (two.before, two.after)
    assert_agrees(two.after, two.first_files + two.later_files)


def test_the_counts_do_not_depend_on_the_dates(small: DemoExport, tmp_path: Path) -> None:
    other = write_export(tmp_path, replace(SMALL, last_day=date(2012, 2, 29)))
    assert other.after.days[-1].day == date(2012, 3, 1)
    for left, right in ((small.before, other.before), (small.after, other.after)):
        assert [as_counter(day) for day in left.days] == [as_counter(day) for day in right.days]
        assert [file.source_rows for file in left.files] == [file.source_rows for file in right.files]


def test_another_seed_gives_other_events(small: DemoExport, tmp_path: Path) -> None:
    other = write_export(tmp_path, replace(SMALL, seed=4))
    ids = [{p.get("$insert_id") for _, p in properties_of(export.first_files)} - {None} for export in (small, other)]
    assert ids[0].isdisjoint(ids[1])


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    spec = DemoSpec(seed=8, days=10, events=9_000)
    write_export(tmp_path, spec, seen.append)
    assert seen == sorted(seen)
    assert len(seen) == spec.days + 2
    assert 0 < seen[0] < 0.2
    assert seen[-1] == 1.0


def test_a_story_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="9 days are too few"):
        DemoSpec(days=9)
    with pytest.raises(ValueError, match="1000 events are too few"):
        DemoSpec(events=1_000)


def test_the_first_batch_is_thirty_days_and_the_second_brings_one_more(export: DemoExport) -> None:
    spec = export.spec
    thirty = [spec.first_day + timedelta(days=n) for n in range(30)]
    assert (thirty[0], thirty[-1], spec.new_day) == (date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [day.day for day in export.before.days] == thirty
    assert [day.day for day in export.after.days] == [*thirty, spec.new_day]
    assert [path.name for path in export.first_files] == [f"events-{day}.jsonl.gz" for day in thirty]
    assert [path.name for path in export.later_files] == [
        "events-2026-07-01.jsonl.gz",
        "downloaded-again-2026-07-01.jsonl.gz",
    ]
    assert {path.parent for path in export.first_files}.isdisjoint({path.parent for path in export.later_files})


def test_there_are_at_least_three_hundred_thousand_events_and_eight_thousand_rows_a_day(export: DemoExport) -> None:
    assert export.before.kept_rows >= 300_000
    assert all(day.source_rows >= 8_000 for counts in (export.before, export.after) for day in counts.days)


def test_lines_are_as_long_as_real_ones(export: DemoExport) -> None:
    lengths = [len(line) + 1 for _, line in lines_of(export.first_files[:3])]
    assert 350 <= sum(lengths) / len(lengths) <= 450


def test_usual_days_have_the_promised_duplicate_rate(export: DemoExport) -> None:
    spec = export.spec
    special = {spec.flaky_day, spec.retry_day, *spec.downloaded_again_days}
    usual = [day for day in export.after.days if day.day not in special]
    rate = sum(day.duplicate_rows for day in usual) / sum(day.source_rows for day in usual)
    assert rate == pytest.approx(spec.duplicate_rate, rel=0.15)


def exceeded(rate: float, bounds: Bounds) -> str:
    if bounds.critical is not None and rate > bounds.critical:
        return "critical"
    return "warning" if bounds.warning is not None and rate > bounds.warning else ""


def duplicate_rate(day: DayCounts) -> float:
    return day.duplicate_rows / day.source_rows


def findings(counts: ExportCounts) -> set[tuple[date, str, str]]:
    """Every threshold of the default settings that a day exceeds."""
    quality = Settings().quality
    found: set[tuple[date, str, str]] = set()
    for position, day in enumerate(counts.days):
        rates = {
            "duplicate_rate": day.duplicate_rows,
            "conflicting_duplicate_rate": day.conflicting_rows,
            "missing_insert_id_rate": day.missing_insert_id_rows,
            "future_event_rate": day.future_rows,
            "late_rate": day.late_rows,
        }
        for name, rows in rates.items():
            if severity := exceeded(rows / day.source_rows, getattr(quality, name)):
                found.add((day.day, name, severity))
        for other in counts.days[:position]:
            factor = max(day.source_rows / other.source_rows, other.source_rows / day.source_rows)
            if severity := exceeded(factor, quality.volume_change):
                found.add((day.day, "volume_change", severity))
    return found


def test_one_day_is_blocked_one_is_flagged_and_no_other_threshold_trips(export: DemoExport) -> None:
    expected = {
        (export.spec.retry_day, "duplicate_rate", "critical"),
        (export.spec.flaky_day, "duplicate_rate", "warning"),
    }
    assert findings(export.before) == expected
    assert findings(export.after) == expected
    by_day = {day.day: day for day in export.before.days}
    assert duplicate_rate(by_day[export.spec.retry_day]) == pytest.approx(0.04, rel=0.1)
    assert duplicate_rate(by_day[export.spec.flaky_day]) == pytest.approx(0.007, rel=0.1)


def test_the_faulty_release_is_out_on_one_day_and_sends_everything_again(export: DemoExport) -> None:
    file = next(path for path in export.first_files if str(export.spec.retry_day) in path.name)
    releases = [p.get("$insert_id") for _, p in properties_of([file]) if p["$lib_version"] == RETRYING_RELEASE]
    twice = Counter(releases)
    assert len(twice) > 300
    assert sum(times > 1 for times in twice.values()) > 0.7 * len(twice)
    others = [path for path in export.first_files[15:22] if path != file]
    elsewhere = sum(p["$lib_version"] == RETRYING_RELEASE for _, p in properties_of(others))
    assert elsewhere < 0.1 * len(releases)


def test_rejected_rows_have_all_reasons_and_some_keys_more_than_two_copies(export: DemoExport) -> None:
    assert all(rows > 0 for rows in export.before.rejected_by_reason.values())
    copies = Counter(
        (p["$insert_id"], p["time"]) for _, p in properties_of(export.first_files[:10]) if p.get("$insert_id")
    )
    assert {1, 2, 3} <= set(copies.values())


def test_copies_are_repeated_lines_later_arrivals_other_key_orders_and_changed_contents(export: DemoExport) -> None:
    first_line: dict[tuple[str, int], tuple[int, bytes]] = {}
    kinds: Counter[str] = Counter()
    for _, line in lines_of(export.first_files[:18]):
        try:
            properties = json.loads(line)["properties"]
            key, arrival_ms = (properties["$insert_id"], properties["time"]), properties["mp_processing_time_ms"]
        except (ValueError, KeyError, TypeError):
            continue
        if key[0] is None or key not in first_line:
            first_line[key] = arrival_ms, line
            continue
        first_arrival_ms, first = first_line[key]
        retried = first.replace(b"%d" % first_arrival_ms, b"%d" % arrival_ms)
        if line == first:
            kinds["repeated"] += 1
        elif line == retried:
            kinds["later"] += 1
        else:
            kinds["reordered" if json.loads(retried)["properties"] == properties else "changed"] += 1
    assert kinds["later"] > kinds["reordered"] > kinds["changed"] > 5
    assert kinds["repeated"] > 5


def test_every_kind_of_malformed_line_is_there(export: DemoExport) -> None:
    kinds: set[str] = set()
    for _, line in lines_of(export.first_files):
        if line.startswith(b"<html>"):
            kinds.add("html")
            continue
        try:
            record = json.loads(line)
        except ValueError:
            kinds.add("cut off")
            continue
        if not isinstance(record, dict):
            kinds.add("array")
        elif "properties" not in record:
            kinds.add("no properties")
        elif not isinstance(record["properties"]["time"], int):
            kinds.add("time in words")
    assert kinds == {"html", "cut off", "array", "no properties", "time in words"}
    assert 5 <= export.before.malformed_rows <= 20
    assert export.after.malformed_rows > export.before.malformed_rows


def test_clocks_are_wrong_in_both_directions_and_within_the_tolerance(export: DemoExport) -> None:
    ahead = [p["time"] - p["mp_processing_time_ms"] / 1000 for _, p in properties_of(export.first_files[:10])]
    assert sum(seconds > 3600 for seconds in ahead) > 10
    assert sum(0 < seconds <= 3600 for seconds in ahead) > 50
    assert min(ahead) < -100_000
    assert sum(-60 < seconds <= 0 for seconds in ahead) > 0.8 * len(ahead)


def test_late_events_arrive_up_to_a_week_after_their_day(export: DemoExport) -> None:
    days_late = Counter(
        p["mp_processing_time_ms"] // 86_400_000 - p["time"] // 86_400
        for _, p in properties_of(export.first_files[10:20])
    )
    assert all(days_late[days] > 50 for days in range(1, 6))
    assert max(days_late) <= 8


def test_the_later_files_change_some_old_days_and_leave_the_blocked_one_alone(export: DemoExport) -> None:
    spec = export.spec
    before = {day.day: day for day in export.before.days}
    changed = {day.day for day in export.after.days if day.day in before and day != before[day.day]}
    assert {*spec.held_back_days, *spec.downloaded_again_days, spec.last_day} <= changed
    assert spec.retry_day not in changed
    assert spec.flaky_day not in changed
    after = {day.day: day for day in export.after.days}
    for day in spec.held_back_days:
        assert after[day].kept_rows > before[day].kept_rows + 100
    for day in spec.downloaded_again_days:
        assert after[day].kept_rows == before[day].kept_rows
        assert after[day].duplicate_rows >= before[day].duplicate_rows + 15


def test_counts_can_leave_out_days(export: DemoExport) -> None:
    rest = export.before.without([export.spec.retry_day])
    blocked = next(day for day in export.before.days if day.day == export.spec.retry_day)
    assert rest.kept_rows == export.before.kept_rows - blocked.kept_rows
    assert rest.rejected_rows == export.before.rejected_rows - blocked.rejected_rows
    assert rest.files == export.before.files


def test_properties_look_like_an_app_s(export: DemoExport) -> None:
    seen = list(properties_of(export.first_files[4:6]))
    events = Counter(event for event, _ in seen)
    assert {"App Opened", "Page Viewed", "Search", "Product Viewed", "Added to Cart", "Checkout Started"} <= set(events)
    assert {"Order Completed", "Signed Up", "Push Received"} <= set(events)
    assert 0.75 < sum("customer_id" in p for _, p in seen) / len(seen) < 0.95
    assert any(isinstance(p.get("items"), list) and p["items"] for _, p in seen)
    assert any(isinstance(p.get("experiments"), dict) for _, p in seen)
    visits = Counter(p["distinct_id"] for _, p in seen).most_common()
    assert visits[0][1] > 10 * visits[len(visits) // 2][1]
