"""Whole days that are delivered again, on every engine: which copies are the same, what is refused, and what is written.

Copies are compared by a hash of what is stored of them; only the events that differ in it are compared by their fingerprint, which
the order of an object's keys does not change. All copies of events that really differ are replaced; no other row is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mixflows.days import DAY_MICROS, DayRun, day_bounds, day_runs, days_between, micros
from mixflows.errors import ShrunkError, SourceColumnsError, UsageError
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.base import BatchDay, Params, Row
from mixflows.warehouse.dialect import Dialect, date_literal, day_case
from mixflows.warehouse.expressions import Expressions
from mixflows.warehouse.source import GONE_SINCE, SOURCE_FILE, Column, Source

SHORT_LIVED = ("incoming", "incoming_malformed", "slot_touched", "slot_rows", "slot_malformed")
"""What the statements of a slot call its short-lived tables. The first two are filled before: the delivered rows, with all columns
of the source but the mark of gone copies, and the malformed lines."""
LOST_SHARE, LOST_AT_LEAST = 0.001, 10
"""A day that loses more than this share of its events, and at least so many, is refused."""
A_MOMENT = timedelta(microseconds=1)

UNTOUCHED = ("same", "kept")
"""The classes of copies that stay as they are."""

Flags = tuple[str, ...]
Query = Callable[[str, Flags, Params], Sequence[Row]]


class SlotExpressions:
    """SQL of a slot's copies and events over the rows of one alias, for the templates `slot_*` of `sql/`.

    Args:
        source: Columns and roles.
        settings: The key, and what becomes of copies that are gone.
        dialect: The engine's words, for the project's days that the slot has instants of; see `project_days`.
        slot: The delivery.
    """

    def __init__(self, source: Source, settings: Settings, dialect: Dialect, slot: Delivery) -> None:
        self._source, self._settings, self._dialect = source, settings, dialect
        self._x = Expressions(source, settings, dialect)
        self._export_runs = day_runs(slot.days, settings.export_zone)
        self.keeps = (settings.pipeline.source_deletes or "keep") == "keep"
        """Whether copies that the delivery lacks are kept."""
        self.follows = self.keeps and source.distinct_id.name in {part.name for part in source.key}
        """Whether copies that are gone follow their event to another distinct id."""

    def _at(self, alias: str, column: Column) -> str:
        return f"{alias}.{self._dialect.quote(column.name)}"

    def names(self) -> str:
        """The source's columns but for the mark of gone copies, unqualified."""
        return ", ".join(self._dialect.quote(column.name) for column in self._source.columns)

    def columns(self, alias: str) -> str:
        """The same, of an alias."""
        return ", ".join(self._at(alias, column) for column in self._source.columns)

    def nulls(self) -> str:
        """A NULL for each of them."""
        return ", ".join(["NULL"] * len(self._source.columns))

    def has(self, alias: str) -> str:
        """Whether a row's time lies in the slot; its day, too, as a constant."""
        time = self._at(alias, self._source.time)
        return f"({self._x.in_days(alias)} AND {time} >= @start_at AND {time} < @end_at)"

    def copy(self, alias: str) -> str:
        """What makes two copies the same one in two deliveries; identity merges rewrite all else."""
        return self._dialect.row_hash([*self._of_copy(alias), self._at(alias, self._source.time)])

    def second(self, alias: str) -> str:
        """The same, but for the fraction of a second."""
        return self._dialect.row_hash([*self._of_copy(alias), f"DIV({self._x.time_us(alias)}, 1000000)"])

    def _of_copy(self, alias: str) -> list[str]:
        parts = (self._source.event_name, self._source.insert_id, self._source.arrival)
        return [self._at(alias, part) for part in parts if part is not None]

    def event(self, alias: str) -> str:
        """An event without who did it, which identity merges rewrite: the rest of the key, and the day."""
        lasting = [part.name for part in self._source.key if part.name != self._source.distinct_id.name]
        values = [f"{alias}.{self._dialect.quote(name)}" for name in lasting]
        return self._dialect.row_hash([*values, self._x.day(alias)])

    def has_fraction(self, alias: str) -> str:
        """1 for a time between two whole seconds, else 0."""
        return f"CASE WHEN MOD({self._x.time_us(alias)}, 1000000) = 0 THEN 0 ELSE 1 END"

    def export_day(self, alias: str) -> str:
        """The day of a row by the clock of the export."""
        time_us = self._x.time_us(alias)

        def nth_day(run: DayRun) -> str:
            # The last day of a run may be longer than the others. A date plus days is an instant on some engines.
            nth = f"LEAST(DIV({time_us} - {run.start_us}, {DAY_MICROS}), {run.days - 1})"
            return f"CAST(DATE_ADD({date_literal(run.first_day)}, INTERVAL {nth} DAY) AS DATE)"

        return day_case(time_us, self._export_runs, nth_day)

    def row_hash(self, alias: str) -> str:
        """A hash of all of a row, its side and its mark: rows that are equal in it are equal."""
        values = [self._at(alias, column) for column in self._source.columns]
        return self._dialect.row_hash([*values, f"{alias}.mf__is_new", f"{alias}.gone_since"])

    def written(self, column: Column) -> str:
        """What a column of a row `r` becomes, whose copy `c` is classed and may follow a moved event `m`."""
        value = self._at("r", column)
        touched = f"c.mf__class IN ('back', 'gone') OR {self.is_follower}"
        match column.name:
            case name if self._source.loaded_at is not None and name == self._source.loaded_at.name:
                return f"CASE WHEN {touched} THEN @landed_at ELSE {value} END"
            case name if name.lower() == SOURCE_FILE:
                return f"CASE WHEN {touched} THEN @slot ELSE {value} END"
            case name if self.follows and name == self._source.distinct_id.name:
                return f"CASE WHEN {self.is_follower} THEN m.mf__identity ELSE {value} END"
            case _:
                return value

    @property
    def is_follower(self) -> str:
        """Whether a classed copy takes over the distinct id that its event moved to."""
        return "m.mf__key IS NOT NULL" if self.follows else "FALSE"


def bounds(settings: Settings, delivery: Delivery) -> tuple[datetime, datetime]:
    """The half-open interval of a slot in UTC."""
    zone = settings.export_zone
    return day_bounds(delivery.first_day, zone)[0], day_bounds(delivery.last_day, zone)[1]


def project_days(settings: Settings, delivery: Delivery) -> list[BatchDay]:
    """The project's days that a slot has instants of."""
    start_us, end_us = map(micros, bounds(settings, delivery))
    days = (BatchDay.of(day, settings) for day in days_between(start_us, end_us))
    return [day for day in days if day.start_us < end_us and day.end_us > start_us]


def _days_inside(settings: Settings, delivery: Delivery) -> list[date]:
    """The project's days that lie in a delivery as a whole, whatever its own clock."""
    start_us, end_us = map(micros, bounds(settings, delivery))
    days = project_days(settings, delivery)
    return [known.day for known in days if start_us <= known.start_us and known.end_us <= end_us]


def refuse_without_version(settings: Settings, delivery: Delivery) -> None:
    """Whole days, where a copy has no version.

    Raises:
        UsageError: The settings name no column for it.
    """
    if settings.columns.loaded_at is None:
        raise UsageError(
            f"{delivery.slot} is not landed: whole days need columns.loaded_at, the version of a copy",
            "Name a column of the source as columns.loaded_at.",
        )


def refuse_gone_since(settings: Settings, columns: Iterable[Column]) -> None:
    """Refuses a source with a column of the user's that is named like the mark of gone copies.

    Args:
        columns: The source's; it does not mark copies that are gone.

    Raises:
        SourceColumnsError: It has one.
    """
    if any(column.name.lower() == GONE_SINCE for column in columns):
        raise SourceColumnsError(
            f"table {settings.tables.source} has a column {GONE_SINCE!r}, which whole days need for the copies that a newer"
            " delivery lacks; nothing was landed",
            "Rename the column, and take a property of that name out of landing.promote.",
        )


def after(landed_at: datetime, last: datetime | None) -> datetime:
    """An instant of landing that is later than the last one, whatever the clocks say."""
    return landed_at if last is None else max(landed_at, last + A_MOMENT)


@dataclass(frozen=True)
class Compared:
    """What a delivery does to its days, before it is done.

    Attributes:
        delivery: What was compared.
        superseded: The outcome.
        writes: The statements that write it, each with its flags.
    """

    delivery: Delivery
    superseded: Superseded
    writes: tuple[tuple[str, Flags], ...]

    @property
    def logged(self) -> Mapping[str, object]:
        """What the landing log has of it besides the landing itself."""
        counts = {
            f"{name}_rows": getattr(self.superseded, name) for name in ("same", "restated", "new", "back", "gone")
        }
        return counts | {
            "first_day": self.delivery.first_day,
            "last_day": self.delivery.last_day,
            "feed": self.delivery.feed,
        }


class Slot:
    """One slot while a delivery supersedes it. Its short-lived tables are the caller's to drop.

    Args:
        query: Runs a statement of `sql/` on the slot's tables, with flags and values by name.
        settings: Name the clock of exports and the project's.
        delivery: The slot and its days.
        landing: The file's own counts; its rows and malformed lines are in the first of the short-lived tables.
    """

    def __init__(self, query: Query, settings: Settings, delivery: Delivery, landing: Landing) -> None:
        self._delivery, self._landing = delivery, landing
        start_at, end_at = bounds(settings, delivery)
        params = {"start_at": start_at, "end_at": end_at, "landed_at": landing.landed_at, "slot": landing.file_name}
        inside = [f"{day}" for day in _days_inside(settings, delivery)]
        delivered = [f"{day}" for day, _ in landing.rows_per_day if day is not None]
        params |= {"first_day": delivery.first_day, "last_day": delivery.last_day}
        params |= {"inside_days": ",".join(inside), "known_days": ",".join([*inside, *delivered])}
        params |= {"project_timezone": settings.project_timezone}
        self.params: Params = params
        """Values of the slot's statements, by name."""
        self._run = query

    def _query(self, name: str) -> Sequence[Row]:
        return self._run(name, (), self.params)

    def compare(self) -> Compared:
        """Compares the delivery with the source. Writes short-lived tables only.

        Raises:
            UsageError: The times count another unit than the slot's.
            ShrunkError: A day lacks events, more than is likely, and is not accepted.
        """
        days = self._query("slot_days")
        self._refuse_other_unit(days)
        self._refuse_shrunk(days)
        held = sum(int(day["held_rows"]) for day in days)
        counts, changed = self._counts() if held else self._all_new()
        writes: list[tuple[str, Flags]] = []
        if changed:
            is_added = held and counts.keys() == {"added"}
            writes.append(
                ("slot_insert", ("touched",) if is_added else ()) if is_added or not held else ("slot_write", ())
            )
        self._query("slot_malformed")
        (malformed,) = self._query("slot_log_counts")
        if malformed["replaced_lines"]:
            writes.append(("slot_write_malformed", ()))
        is_unchanged = not changed and not malformed["differing_lines"] and malformed["deliveries"]
        new = counts["new"] + counts["added"]
        superseded = Superseded(
            slot=self._delivery.slot,
            status="unchanged" if is_unchanged else "landed",
            landing=self._landing,
            same=self._landing.source_rows - counts["restated"] - new - counts["back"],
            restated=counts["restated"],
            new=new,
            back=counts["back"],
            gone=counts["gone"],
            days=tuple(sorted(changed)),
        )
        return Compared(self._delivery, superseded, () if is_unchanged else tuple(writes))

    def _counts(self) -> tuple[Counter[str], set[date]]:
        """Copies by class, and the days that change."""
        counts: Counter[str] = Counter()
        changed: set[date] = set()
        self._query("slot_touched")
        (touched,) = self._query("slot_touched_events")
        if not touched["held_events"] and not touched["new_events"]:
            return counts, changed
        if touched["held_events"]:
            self._query("slot_rows")
        for row in self._run("slot_counts", () if touched["held_events"] else ("added",), self.params):
            counts[row["class"]] += int(row["copies"])
            if row["class"] not in UNTOUCHED or row["followers"]:
                changed.add(row["day"])
        return counts, changed

    def _all_new(self) -> tuple[Counter[str], set[date]]:
        days = {day for day, _ in self._landing.rows_per_day if day is not None}
        return Counter(new=self._landing.source_rows), days

    def _refuse_other_unit(self, days: Sequence[Row]) -> None:
        """Refuses times in seconds where the slot has milliseconds, or the other way round: they would be other events."""
        rows = [sum(int(day[f"{side}_rows"]) for day in days) for side in ("held", "delivered")]
        old_is_whole, new_is_whole = (
            not any(day[f"{side}_fractions"] for day in days) for side in ("held", "delivered")
        )
        if not all(rows) or old_is_whole == new_is_whole or not self._query("slot_other_unit"):
            return
        unit, other = ("ms", "s") if old_is_whole else ("s", "ms")
        raise UsageError(
            f"{self._delivery.slot} counts its times in {unit}, but {self._delivery} was landed in {other}: the same events"
            " would be others; nothing of it was landed",
            f'Export the days in {other} again, with landing.time_unit = "{other}".',
        )

    def _refuse_shrunk(self, days: Sequence[Row]) -> None:
        """Refuses days that lose more events than compaction and deletions explain."""
        shrunk = [
            (row["day"], int(row["lost_events"]), int(row["live_events"]))
            for row in days
            if row["day"] not in self._delivery.accept_shrink and _has_shrunk(row)
        ]
        if shrunk:
            day, lost, events = shrunk[0]
            others = f" ({counted(len(shrunk) - 1, 'more day')} likewise)" if len(shrunk) > 1 else ""
            accepting = " ".join(f"--accept-shrink {day}" for day, _, _ in shrunk)
            raise ShrunkError(
                f"{self._delivery.slot} lacks {lost:,} of the {counted(events, 'event')} that {day} had{others}; nothing of it was landed",
                f"Export it again. If Mixpanel really deleted them: {accepting}.",
                tuple(day for day, _, _ in shrunk),
            )


def _has_shrunk(row: Row) -> bool:
    events, lost = int(row["live_events"]), int(row["lost_events"])
    is_empty = events > 0 and not row["delivered_rows"]
    return is_empty or (lost >= LOST_AT_LEAST and lost > LOST_SHARE * events)
