"""Supersedes whole days in DuckDB: what is new in a delivery is inserted, what it restates is replaced, what it lacks is marked.

Only rows that differ are written. Copies are compared by a hash of what is stored of them; only where that differs are they
compared by their fingerprint, which the order of an object's keys does not change.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from mixflows.days import day_bounds, day_runs, days_between, micros, zone_of
from mixflows.errors import LandingError, ShrunkError, UsageError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.refusals import refuse_other_feed, refuse_stale
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.columns import columns_of, make_gone_since
from mixflows.warehouse.duckdb.dialect import DuckDBDialect, day_of
from mixflows.warehouse.duckdb.landing import land_lines, log_landing, opened, transaction
from mixflows.warehouse.duckdb.malformed import supersede_malformed
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.duckdb.refusals import landed_before
from mixflows.warehouse.duckdb.types import NATIVE_TYPES
from mixflows.warehouse.expressions import Expressions
from mixflows.warehouse.source import GONE_SINCE, SOURCE_FILE, Column, KeyPart, Source
from mixflows.warehouse.transpile import ParsedStatement

INCOMING, OLD, NEW, PAIRS, FOLLOWERS = (
    f"mixflows_slot_{name}" for name in ("incoming", "old", "new", "pairs", "followers")
)
"""Temporary tables: the delivered rows; the copies of the slot, in the source and in the delivery, each by its row's number, with
hashes; which of both are the same copy; and copies that follow a new identity of their event."""
LOST_SHARE, LOST_AT_LEAST = 0.001, 10
"""A day that loses more than this share of its events, and at least so many, is refused."""
A_MOMENT = timedelta(microseconds=1)


class _UnchangedError(Exception):
    """Nothing is to be written: what was written to find that out is rolled back."""

    def __init__(self, superseded: Superseded) -> None:
        super().__init__()
        self.superseded = superseded


def supersede(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: FileContent,
    delivery: Delivery,
    *,
    landed_at: datetime,
    on_progress: Callable[[float], None] | None,
) -> Superseded:
    """Makes the days of a delivery what it says, in one transaction.

    Args:
        cursor: Outside any transaction; our own tables are there.
        settings: Names, units, the key and what becomes of copies that are gone.
        content: The inspected file; its rows and lines are known by `content.name`, which is the slot's name.
        delivery: The slot and its days.
        landed_at: UTC; the version of what changes, unless the slot has a later one.
        on_progress: Is told the share of the file that was read, 0 to 1, from another thread.

    Raises:
        ShrunkError: A day lacks events, more than is likely, and is not accepted.
        LandingError: Rows lie outside the days, or as `land_file`.
        UsageError: The source is fed from elsewhere, the slot's times count another unit, or the source is dated in another time zone.
        SourceColumnsError: A column of the source is missing, has another type, or is named like the mark of gone copies.
        duckdb.Error: Anything else that DuckDB refuses. After any of these errors nothing was written.
    """
    if settings.columns.loaded_at is None:
        raise UsageError(
            f"{delivery.slot} is not landed: whole days need columns.loaded_at, the version of a copy",
            "Name a column of the source as columns.loaded_at.",
        )
    before = landed_before(cursor, settings, content)
    refuse_other_feed(settings, before, delivery.feed)
    refuse_stale(settings, before, delivery.slot)
    last = before.last_landed_at
    landed_at = landed_at if last is None else max(landed_at, last + A_MOMENT)
    try:
        with opened(cursor, settings, content, on_progress) as lines, transaction(cursor):
            landing = land_lines(cursor, settings, content, lines, landed_at, INCOMING)
            make_gone_since(cursor, settings)
            slot = _Slot(cursor, settings, delivery, landing)
            slot.refuse_outside()
            slot.pair()
            slot.refuse_other_unit()
            slot.refuse_shrunk()
            superseded = slot.write()
            if superseded.status == "unchanged":
                raise _UnchangedError(superseded)
            log_landing(cursor, settings, landing, _logged(superseded, delivery))
    except _UnchangedError as unchanged:
        superseded = unchanged.superseded
    return superseded


def _logged(superseded: Superseded, delivery: Delivery) -> dict[str, object]:
    return {
        "feed": delivery.feed,
        "first_day": delivery.first_day,
        "last_day": delivery.last_day,
        "same_rows": superseded.same,
        "restated_rows": superseded.restated,
        "new_rows": superseded.new,
        "back_rows": superseded.back,
        "gone_rows": superseded.gone,
    }


class _Slot:
    """One slot while it is superseded, in the transaction of the caller."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, settings: Settings, delivery: Delivery, landing: Landing
    ) -> None:
        self._cursor, self._settings, self._delivery, self._landing = cursor, settings, delivery, landing
        self._table = identifier(settings.tables.source)
        columns = columns_of(cursor, settings.tables.source)
        self._source = Source.of(columns, settings, words=NATIVE_TYPES, marks_gone=True)
        self._x = Expressions(self._source, self._source.spelled(settings), DuckDBDialect())
        zone = settings.zone if settings.landing.time_zone == "project" else zone_of("UTC")
        start, _ = day_bounds(delivery.first_day, zone)
        _, end = day_bounds(delivery.last_day, zone)
        self._start_us, self._end_us, self._zone = micros(start), micros(end), zone
        self._keeps = (settings.pipeline.source_deletes or "keep") == "keep"

    # Columns of a row

    @staticmethod
    def _of(alias: str, column: Column | KeyPart | None) -> str:
        return "NULL" if column is None else f"{alias}.{identifier(column.name)}"

    def _time_us(self, alias: str) -> str:
        return f"epoch_us({self._of(alias, self._source.time)})"

    def _in_slot(self, alias: str) -> str:
        time = self._of(alias, self._source.time)
        return f"({time} >= make_timestamptz({self._start_us}) AND {time} < make_timestamptz({self._end_us}))"

    def _day(self, alias: str) -> str:
        """The project's day of a row."""
        days = days_between(self._start_us, self._end_us)
        return day_of(self._time_us(alias), day_runs(days, self._settings.zone))

    def _slot_day(self, alias: str) -> str:
        """The delivery's own day of a row."""
        return day_of(self._time_us(alias), day_runs(self._days(), self._zone))

    def _days(self) -> list[date]:
        first, last = self._delivery.first_day, self._delivery.last_day
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def _copy(self, alias: str) -> str:
        """What makes two copies the same one in two deliveries; identity merges rewrite all else."""
        source = self._source
        parts = (source.event_name, source.insert_id, source.time, source.arrival)
        return f"HASH({', '.join(self._of(alias, part) for part in parts)})"

    def _content(self, alias: str) -> str:
        return f"HASH({', '.join(self._of(alias, column) for column in self._source.content)})"

    def _sorted_content(self, alias: str) -> str:
        """Equal for objects that differ in the order of their members; cheaper than the fingerprint."""
        values: list[str] = []
        for column in self._source.content:
            value = self._of(alias, column)
            members = f"list_sort(map_entries(TRY_CAST({value} AS MAP(VARCHAR, JSON))))"
            values += [members, f"CASE WHEN {members} IS NULL THEN {value} END"] if column.type == "JSON" else [value]
        return f"HASH({', '.join(values)})"

    def _fingerprint(self, alias: str) -> str:
        text = ParsedStatement(f"SELECT {self._x.fingerprint(alias)}").in_duckdb({}, {}).removeprefix("SELECT ")
        return f"CAST('0x' || left({text}, 16) AS UBIGINT)"

    def _query(self, sql: str, **params: object) -> list[tuple[Any, ...]]:
        return self._cursor.execute(sql, params).fetchall()

    # Reading

    def refuse_outside(self) -> None:
        """Refuses a file with rows of other days."""
        time = self._of("n", self._source.time)
        [(rows, first, last)] = self._query(
            f"SELECT count(*), min({time}), max({time}) FROM {INCOMING} n WHERE NOT {self._in_slot('n')}"
        )
        if rows:
            first, last = (at.astimezone(self._zone) for at in (first, last))
            raise LandingError(
                f"{self._delivery.slot}: {rows:,} of its {self._landing.source_rows:,} rows lie outside {self._delivery}, from"
                f" {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} ({self._zone.key}); nothing of it was landed",
                "Name the days that the file really holds, or export exactly these days.",
            )

    def pair(self) -> None:
        """Finds which delivered copies are those of the source: by equal content first, then in order of content."""
        gone = f"s.{GONE_SINCE} IS NOT NULL"
        for table, rows, alias, is_gone in ((OLD, self._table, "s", gone), (NEW, INCOMING, "n", "FALSE")):
            self._query(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {alias}.rowid AS row, {is_gone} AS gone,"
                f" {self._copy(alias)} AS copy, {self._content(alias)} AS content FROM {rows} {alias} WHERE {self._in_slot(alias)}"
            )
        self._query(f"CREATE OR REPLACE TEMP TABLE {PAIRS} (old BIGINT, new BIGINT, gone BOOLEAN, restated BOOLEAN)")
        self._pair("copy, content", restated=False)
        for content in (self._sorted_content, self._fingerprint):
            self._compare_by(content)
            self._pair("copy, content", restated=False)
        self._pair("copy", restated=True)

    def _pair(self, alike: str, *, restated: bool) -> None:
        """Pairs copies that are alike and not yet paired, the live ones of the source first."""
        old, new = (
            f"""SELECT row, gone, {alike}, row_number() OVER (PARTITION BY {alike} ORDER BY gone, content, row) AS nth
            FROM {table} ANTI JOIN {PAIRS} p ON p.{side} = {table}.row"""
            for table, side in ((OLD, "old"), (NEW, "new"))
        )
        self._query(
            f"INSERT INTO {PAIRS} SELECT o.row, n.row, o.gone, {restated} FROM ({old}) o JOIN ({new}) n USING ({alike}, nth)"
        )

    def _compare_by(self, content: Callable[[str], str]) -> None:
        """Takes another hash of the content of copies that may be the same one in other words."""
        for table, side, rows, other, other_side in (
            (OLD, "old", self._table, NEW, "new"), (NEW, "new", INCOMING, OLD, "old"),
        ):  # fmt: skip
            self._query(
                f"""UPDATE {table} SET content = f.content FROM (
                  SELECT r.rowid AS row, {content("r")} AS content FROM {rows} r
                  WHERE {self._in_slot("r")} AND r.rowid IN (
                    SELECT t.row FROM {table} t ANTI JOIN {PAIRS} p ON p.{side} = t.row
                    WHERE t.copy IN (SELECT u.copy FROM {other} u ANTI JOIN {PAIRS} p ON p.{other_side} = u.row)
                  )
                ) f WHERE f.row = {table}.row"""
            )

    def _unpaired(self, alias: str) -> str:
        """Whether the delivery lacks a row of the source."""
        return f"{self._in_slot(alias)} AND {alias}.rowid IN (SELECT o.row FROM {OLD} o ANTI JOIN {PAIRS} p ON p.old = o.row)"

    def refuse_other_unit(self) -> None:
        """Refuses times in seconds where the slot has milliseconds, or the other way round: they would be other events."""
        old, new = (f"bool_and({self._time_us(alias)} % 1000000 = 0)" for alias in ("s", "n"))
        [(old_is_whole,)] = self._query(f"SELECT {old} FROM {self._table} s WHERE {self._in_slot('s')}")
        [(new_is_whole,)] = self._query(f"SELECT {new} FROM {INCOMING} n")
        if None in (old_is_whole, new_is_whole) or old_is_whole == new_is_whole:
            return
        same = " AND ".join(
            f"{self._of('s', part)} IS NOT DISTINCT FROM {self._of('n', part)}"
            for part in (self._source.event_name, self._source.insert_id, self._source.arrival)
            if part is not None
        )
        found = self._query(
            f"""SELECT 1 FROM {self._table} s JOIN {INCOMING} n ON {same}
              AND {self._time_us("s")} // 1000000 = {self._time_us("n")} // 1000000
            WHERE {self._unpaired("s")} AND n.rowid NOT IN (SELECT p.new FROM {PAIRS} p) LIMIT 1"""
        )
        if found:
            unit, other = ("ms", "s") if old_is_whole else ("s", "ms")
            raise UsageError(
                f"{self._delivery.slot} counts its times in {unit}, but {self._delivery} was landed in {other}: the same events"
                " would be others; nothing of it was landed",
                f'Export the days in {other} again, with landing.time_unit = "{other}".',
            )

    def refuse_shrunk(self) -> None:
        """Refuses days that lose more events than compaction and deletions explain."""
        lasting = [part for part in self._source.key if part.name != self._source.distinct_id.name]

        def key(alias: str) -> str:
            return f"HASH({', '.join(self._of(alias, part) for part in lasting)})"

        rows = self._query(
            f"""WITH old AS (
              SELECT DISTINCT {self._slot_day("s")} AS day, {key("s")} AS key FROM {self._table} s
              WHERE {self._in_slot("s")} AND s.{GONE_SINCE} IS NULL
            ), new AS (SELECT DISTINCT {self._slot_day("n")} AS day, {key("n")} AS key FROM {INCOMING} n)
            SELECT o.day, count(*), count(*) FILTER (WHERE n.key IS NULL), o.day NOT IN (SELECT day FROM new)
            FROM old o LEFT JOIN new n USING (day, key) GROUP BY o.day ORDER BY o.day"""
        )
        shrunk = [
            (day, events, lost)
            for day, events, lost, is_empty in rows
            if (is_empty or (lost >= LOST_AT_LEAST and lost > LOST_SHARE * events))
            and day not in self._delivery.accept_shrink
        ]
        if shrunk:
            day, events, lost = shrunk[0]
            others = f" ({len(shrunk) - 1:,} more days likewise)" if len(shrunk) > 1 else ""
            raise ShrunkError(
                f"{self._delivery.slot} lacks {lost:,} of the {events:,} events that {day} had{others}; nothing of it was landed",
                f"Export it again. If Mixpanel really deleted them: --accept-shrink {day}.",
                tuple(day for day, _, _ in shrunk),
            )

    # Writing

    def write(self) -> Superseded:
        """Writes what differs, and the malformed lines; what is unchanged is the caller's to roll back."""
        self._find_followers()
        [(same, restated, back, followers)] = self._query(
            f"""SELECT count(*) FILTER (WHERE NOT gone AND NOT restated), count(*) FILTER (WHERE NOT gone AND restated),
              count(*) FILTER (WHERE gone), (SELECT count(*) FROM {FOLLOWERS}) FROM {PAIRS}"""
        )
        lacking = f"s.{GONE_SINCE} IS NULL" if self._keeps else "TRUE"
        [(gone,)] = self._query(f"SELECT count(*) FROM {self._table} s WHERE {self._unpaired('s')} AND {lacking}")
        new = self._landing.source_rows - same - restated - back
        days = self._changed_days(lacking)
        if restated or back or new or gone or followers:
            self._write_rows(lacking)
        malformed = supersede_malformed(self._cursor, self._settings, self._delivery, self._landing)
        is_known = self._query(
            f"SELECT 1 FROM {identifier(self._settings.tables.landings)} WHERE first_day = $first AND last_day = $last LIMIT 1",
            first=self._delivery.first_day,
            last=self._delivery.last_day,
        )
        self._drop()
        return Superseded(
            slot=self._delivery.slot,
            status="landed" if days or malformed or not is_known else "unchanged",
            landing=self._landing,
            same=same,
            restated=restated,
            new=new,
            back=back,
            gone=gone,
            days=days,
        )

    def _find_followers(self) -> None:
        """Copies that are gone, of an event whose live copies all have another distinct id now: they go with it.

        Without that, a copy that Mixpanel compacted would become an event of its own, under the identity before the merge.
        """
        who = self._source.distinct_id
        is_key = any(part.name == who.name for part in self._source.key)

        def key(alias: str) -> str:
            return f"HASH({', '.join([*(self._of(alias, part) for part in self._source.key), self._day(alias)])})"

        self._query(
            f"""CREATE OR REPLACE TEMP TABLE {FOLLOWERS} AS
            SELECT g.rowid AS row, min(n.{identifier(who.name)}) AS identity
            FROM {self._table} g
            JOIN (
              SELECT p.new, {key("s")} AS key FROM {self._table} s JOIN {PAIRS} p ON p.old = s.rowid
              WHERE {self._in_slot("s")} AND p.restated AND NOT p.gone
            ) moved ON moved.key = {key("g")}
            JOIN {INCOMING} n ON n.rowid = moved.new
            WHERE {self._unpaired("g")} AND {is_key and self._keeps}
              AND {key("g")} NOT IN (SELECT {key("i")} FROM {INCOMING} i)
            GROUP BY g.rowid"""
        )

    def _changed_days(self, lacking: str) -> tuple[date, ...]:
        rows = self._query(
            f"""SELECT DISTINCT {self._day("s")} AS day FROM {self._table} s
            WHERE ({self._unpaired("s")} AND {lacking}) OR ({self._in_slot("s")} AND s.rowid IN (
              SELECT p.old FROM {PAIRS} p WHERE p.gone OR p.restated UNION ALL SELECT f.row FROM {FOLLOWERS} f
            ))
            UNION SELECT DISTINCT {self._day("n")} FROM {INCOMING} n
            WHERE n.rowid NOT IN (SELECT p.new FROM {PAIRS} p WHERE NOT p.restated)
            ORDER BY day"""
        )
        return tuple(day for (day,) in rows)

    def _write_rows(self, lacking: str) -> None:
        version = identifier(self._settings.columns.loaded_at or "")
        touched = {"at": self._landing.landed_at, "slot": self._landing.file_name}
        touch = f"UPDATE {self._table} AS s SET {version} = $at, {identifier(SOURCE_FILE)} = $slot"
        if self._keeps:
            self._query(f"{touch}, {GONE_SINCE} = $at WHERE {self._unpaired('s')} AND {lacking}", **touched)
            who = identifier(self._source.distinct_id.name)
            self._query(
                f"{touch}, {who} = f.identity FROM {FOLLOWERS} f WHERE f.row = s.rowid AND {self._in_slot('s')}",
                **touched,
            )
        else:
            self._query(f"DELETE FROM {self._table} AS s WHERE {self._unpaired('s')}")
        back = f"SELECT p.old FROM {PAIRS} p WHERE p.gone AND NOT p.restated"
        self._query(f"{touch}, {GONE_SINCE} = NULL WHERE {self._in_slot('s')} AND s.rowid IN ({back})", **touched)
        replaced = f"SELECT p.old FROM {PAIRS} p WHERE p.restated"
        self._query(f"DELETE FROM {self._table} AS s WHERE {self._in_slot('s')} AND s.rowid IN ({replaced})")
        self._query(
            f"INSERT INTO {self._table} BY NAME SELECT * FROM {INCOMING} n"
            f" WHERE n.rowid NOT IN (SELECT p.new FROM {PAIRS} p WHERE NOT p.restated) ORDER BY {self._day('n')}"
        )

    def _drop(self) -> None:
        for table in (INCOMING, OLD, NEW, PAIRS, FOLLOWERS):
            self._query(f"DROP TABLE {table}")
