"""SQL of the key, the verdict on a row, the fingerprint and the order of copies, for the templates of `sql/`."""

from mixflows.settings import Settings
from mixflows.warehouse.dialect import Dialect
from mixflows.warehouse.source import (
    FUTURE,
    INGESTION_DAY,
    NARROW_TYPES,
    NO_ID,
    NO_TIME,
    PUBLISHED_DAY,
    SOURCE_FILE,
    Column,
    KeyPart,
    Source,
)

NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
FIRST_INSTANT, END_INSTANT = "TIMESTAMP '1900-01-01 00:00:00+00'", "TIMESTAMP '2200-01-01 00:00:00+00'"
LONGEST_NUMBER = "9000000000000000"
"""Milliseconds beyond this are no instant: as microseconds they would not fit into 64 bits."""
NAME_END = "\n"
"""Ends the name of each member that is left out of a JSON object's text."""


class Expressions:
    """SQL of the key, the verdict on a row and the fingerprint over the rows of one alias, for templates.

    The published tables have the source's columns, so that most expressions hold for them too.

    Args:
        source: Columns and roles.
        settings: Rules of the pipeline.
        dialect: The engine's words.
    """

    def __init__(self, source: Source, settings: Settings, dialect: Dialect) -> None:
        self._source, self._settings, self._dialect = source, settings, dialect
        self._keeps_missing = settings.pipeline.missing_insert_id == "keep"
        self._held = next((c for c in source.content if c.name.lower() == "properties" and c.type == "JSON"), None)
        """The column that holds the properties without a column of their own."""

    def _at(self, alias: str, column: Column | KeyPart) -> str:
        return f"{alias}.{self._dialect.quote(column.name)}"

    # Columns

    def columns(self, alias: str) -> str:
        """The columns that the published tables have from the source."""
        return ", ".join(self._at(alias, column) for column in self._source.passed_through)

    def published(self, table: str, alias: str = "") -> str:
        """All columns of a published table, `events` or `rejected`, of an alias or unqualified."""
        of = f"{alias}." if alias else ""
        return ", ".join(f"{of}{self._dialect.quote(name)}" for name in self._source.published_columns(table))

    def published_nulls(self, table: str) -> str:
        """A NULL for each of them."""
        return ", ".join(["NULL"] * len(self._source.published_columns(table)))

    def published_select(self, alias: str, day: str) -> str:
        """The columns of a published event from a row of the source and its day."""
        return f"{self.columns(alias)}, {day} AS {self._dialect.quote(PUBLISHED_DAY)}"

    def key(self, alias: str) -> str:
        """The key's columns; the day, which is part of every key, is named apart."""
        return ", ".join(self._at(alias, part) for part in self._source.key)

    def event_name(self, alias: str) -> str:
        """The event's name."""
        return self._at(alias, self._source.event_name)

    def distinct_id(self, alias: str) -> str:
        """Who did it."""
        return self._at(alias, self._source.distinct_id)

    def time(self, alias: str) -> str:
        """The event time."""
        return self._at(alias, self._source.time)

    def clustering(self) -> str:
        """The columns that cluster the published events."""
        return ", ".join(self._dialect.quote(name) for name in self._source.cluster_by)

    # Days

    def day(self, alias: str) -> str:
        """The day of a source row; NULL where it has none, as where an instant that should be midnight is not."""
        day = self._source.day
        if day is None:
            return self.day_of_time(alias)
        if day.name == INGESTION_DAY:
            return f"{alias}.{INGESTION_DAY}"
        value = self._at(alias, day)
        if day.type not in ("TIMESTAMP", "DATETIME"):
            return value
        return f"CASE WHEN {value} = CAST(DATE({value}) AS {day.type}) THEN DATE({value}) END"

    def day_of_time(self, alias: str) -> str:
        """The one of the statement's days that the event time lies in; else NULL."""
        return self._dialect.day_of(self.time_us(alias))

    def in_days(self, alias: str) -> str:
        """Whether a source row is of the statement's days: constants against a bare column, so that partitions prune."""
        day = self._source.day
        if day is None:
            return self._dialect.in_bounds(self.time(alias))
        if day.name == INGESTION_DAY:
            return self._dialect.in_days(f"{alias}.{INGESTION_DAY}")
        test = self._dialect.in_instants if day.type == "TIMESTAMP" else self._dialect.in_days
        return test(self._at(alias, day))

    def published_in_days(self, alias: str) -> str:
        """The same of a published row."""
        return self._dialect.in_days(f"{alias}.{self._dialect.quote(PUBLISHED_DAY)}")

    def batch_in_days(self, alias: str) -> str:
        """The same of a row of a short-lived table."""
        return self._dialect.in_days(f"{alias}.mf__day")

    def is_in_its_day(self, alias: str, day: str) -> str:
        """Whether a row's event time lies within the bounds of its day."""
        return f"COALESCE({self.day_of_time(alias)} = {day}, FALSE)"

    def any_day(self, alias: str) -> str:
        """True of every source row, in words that satisfy a table which refuses statements without a day."""
        day = self._source.day
        if day is None or day.type == "TIMESTAMP":
            time = self._at(alias, day or self._source.time)
            return f"({time} >= TIMESTAMP '0001-01-01 00:00:00+00' OR {time} IS NULL)"
        name = f"{alias}.{INGESTION_DAY}" if day.name == INGESTION_DAY else self._at(alias, day)
        return f"({name} >= DATE '0001-01-01' OR {name} IS NULL)"

    def last_landed(self, alias: str) -> str:
        """What moves when rows are added: the landing instant or, where the source has none, the arrival."""
        column = self._source.loaded_at or self._source.arrival
        return f"CAST(MAX({self._at(alias, column)}) AS STRING)" if column else "CAST(NULL AS STRING)"

    # Instants

    def time_us(self, alias: str) -> str:
        """The event time in microseconds since 1970; NULL where it belongs to no day."""
        return self._in_micros(self.time(alias))

    def arrival_us(self, alias: str) -> str:
        """When a copy arrived or, where that is not known, was landed, in microseconds since 1970; NULL where unknown."""
        known = [self._instant_us(alias, c) for c in (self._source.arrival, self._source.loaded_at) if c]
        if not known:
            return "CAST(NULL AS INT64)"
        return known[0] if len(known) == 1 else f"COALESCE({', '.join(known)})"

    def version_us(self, alias: str) -> str:
        """A copy's version: when it was landed, in microseconds since 1970; NULL where the source does not tell."""
        if self._source.loaded_at is None:
            return "CAST(NULL AS INT64)"
        return self._instant_us(alias, self._source.loaded_at)

    def _instant_us(self, alias: str, column: Column) -> str:
        value = self._at(alias, column)
        if column.type == "TIMESTAMP":
            return self._in_micros(value)
        if column.type != "INT64":
            number = f"SAFE_CAST({value} AS FLOAT64)" if column.type == "STRING" else f"CAST({value} AS FLOAT64)"
            return f"CASE WHEN ABS({number}) <= {LONGEST_NUMBER}.0 THEN CAST(FLOOR({number}) AS INT64) * 1000 END"
        return f"CASE WHEN {value} BETWEEN -{LONGEST_NUMBER} AND {LONGEST_NUMBER} THEN {value} * 1000 END"

    @staticmethod
    def _in_micros(instant: str) -> str:
        # Extreme instants, infinite ones among them, have no number on every engine.
        return f"CASE WHEN {instant} >= {FIRST_INSTANT} AND {instant} < {END_INSTANT} THEN UNIX_MICROS({instant}) END"

    def arrival(self, alias: str) -> str:
        """When a copy arrived, as an instant; NULL where unknown."""
        return f"TIMESTAMP_MICROS({self.arrival_us(alias)})"

    # The verdict on a row

    def id(self, alias: str) -> str:
        """The insert id as text."""
        value = self._at(alias, self._source.insert_id)
        return value if self._source.insert_id.type == "STRING" else f"CAST({value} AS STRING)"

    def has_id(self, alias: str) -> str:
        """Whether a row has an insert id; an empty one identifies nothing."""
        return f"COALESCE({self.id(alias)}, '') != ''"

    def has_time(self, alias: str) -> str:
        """Whether a row has an event time."""
        return f"{self.time(alias)} IS NOT NULL"

    def in_future(self, alias: str) -> str:
        """Whether a row's event time is later than its own arrival by more than the tolerance. Never the current time."""
        tolerance_us = self._settings.pipeline.future_tolerance_seconds * 1_000_000
        arrived = f"DIV({self.arrival_us(alias)}, 1000)"
        return f"COALESCE({arrived} < DIV({self.time_us(alias)}, 1000) - {tolerance_us // 1000}, FALSE)"

    def invalid_reason(self, alias: str) -> str:
        """Why a row cannot be an event by itself; NULL for a valid row."""
        missing_id = "" if self._keeps_missing else f"WHEN NOT ({self.has_id(alias)}) THEN '{NO_ID}' "
        return (
            f"CASE WHEN NOT ({self.has_time(alias)}) THEN '{NO_TIME}' {missing_id}"
            f"WHEN {self.in_future(alias)} THEN '{FUTURE}' END"
        )

    def is_valid(self, alias: str) -> str:
        """Whether a row has no `invalid_reason`."""
        tests = [self.has_time(alias), f"NOT {self.in_future(alias)}"]
        if not self._keeps_missing:
            tests.append(self.has_id(alias))
        return "(" + " AND ".join(tests) + ")"

    def is_keyed(self, alias: str) -> str:
        """Whether a row is valid and has a key, so that it competes with other copies."""
        return f"({self.is_valid(alias)} AND {self.has_id(alias)})"

    # Hashes

    def id_hash(self, alias: str, day: str) -> str:
        """A hash of insert id and day, which are in every key."""
        return self._dialect.row_hash([self.id(alias), day])

    def key_hash(self, alias: str, day: str) -> str:
        """A hash of the key."""
        return self._dialect.row_hash([*(self._at(alias, part) for part in self._source.key), day])

    def pair_hash(self, alias: str, day: str) -> str:
        """A hash of what pairs a copy of the source with the published one that it became.

        It is the key, but for the distinct id, which identity merges rewrite; the time, and the arrival. One that is not known is
        equal to itself, whenever a copy was landed.
        """
        arrival = self._source.arrival
        known = self._instant_us(alias, arrival) if arrival else "CAST(NULL AS INT64)"
        lasting = [self._at(alias, part) for part in self._source.key if part.name != self._source.distinct_id.name]
        return self._dialect.row_hash([*lasting, self.id(alias), self.time_us(alias), known, day])

    def copy_hash(self, alias: str, day: str, *, content: bool = False) -> str:
        """A hash of a copy: key, time, arrival, version and, where it counts, its content as it is stored."""
        values = [self._at(alias, part) for part in self._source.key]
        values += [self.id(alias), self.time_us(alias), self.arrival_us(alias), self.version_us(alias), day]
        if content:
            values.append(self.content_hash(alias))
        return self._dialect.row_hash(values)

    def content_hash(self, alias: str) -> str:
        """A hash of the content as it is stored: equal rows have it equal, and other storage may change it."""
        return self._dialect.row_hash([self._at(alias, column) for column in self._source.content])

    def stored_hash(self, alias: str, day: str) -> str:
        """A hash of all that is published of a row."""
        return self._dialect.row_hash([*(self._at(alias, column) for column in self._source.passed_through), day])

    def shared_hash(self, alias: str, names: tuple[str, ...]) -> str:
        """A hash of those published columns that are named."""
        return self._dialect.row_hash([self._at(alias, c) for c in self._source.passed_through if c.name in names])

    def rejected_hash(self, alias: str, day: str, fingerprint: str) -> str:
        """A hash of what makes a rejected copy the same one when its content, or its winner's, is restated."""
        told_apart = f"CASE WHEN NOT ({self.has_id(alias)}) THEN {fingerprint} END"
        return self._dialect.row_hash([self.id(alias), self.time_us(alias), self.arrival_us(alias), told_apart, day])

    # Content

    def fingerprint(self, alias: str) -> str:
        """MD5, in hex, of the event's content as `name=length:text;`, NULL and absent alike.

        A property has the same part whether it lies in a column of its own or in `properties`; see
        docs/decisions/fingerprint.md.
        """
        parts = [self._part(column.name, self._text(alias, column)) for column in self._source.content]
        return f"TO_HEX(MD5(CONCAT({', '.join(parts)})))"

    def lasting_hash(self, alias: str) -> str:
        """A hash of what the fingerprint is of, but for the distinct id, which identity merges rewrite; see `pair_hash`.

        It is the engine's own, and shorter than a fingerprint.
        """
        lasting = [column for column in self._source.content if column.name != self._source.distinct_id.name]
        values = [
            _first_of(self._values(alias, column)) if column.type in NARROW_TYPES else self._text(alias, column)
            for column in lasting
        ]
        return self._dialect.row_hash(values)

    def _text(self, alias: str, column: Column) -> str:
        """A column's part of the content as text."""
        if column == self._held:
            return self._dialect.json_text(self._at(alias, column), self._left_out(alias))
        return _first_of([self._dialect.text(value, column) for value in self._values(alias, column)])

    def _values(self, alias: str, column: Column) -> list[str]:
        """Where a column's value may lie, in this order: in itself, and in members of `properties`."""
        values = [self._at(alias, column)]
        if self._held is not None:
            members = (self._dialect.member(self._at(alias, self._held), name) for name in self._members(column))
            values += [self._dialect.typed(member, column) for member in members]
        return values

    def _left_out(self, alias: str) -> str:
        """Names of the members of `properties` that are values of columns, a line each."""
        names: list[str] = []
        for column in self._source.content:
            value, *members = self._values(alias, column)
            for name, member in zip(self._members(column), members, strict=True):
                told = self._dialect.literal(f"{name}{NAME_END}")
                names.append(f"CASE WHEN {value} IS NULL AND {member} IS NOT NULL THEN {told} ELSE '' END")
        return f"CONCAT({', '.join(names)}, '')" if names else "''"

    def _part(self, name: str, text: str) -> str:
        head = self._dialect.literal(f"{name}=")
        return f"COALESCE(CONCAT({head}, CAST(CHAR_LENGTH({text}) AS STRING), ':', {text}, ';'), '')"

    def _members(self, column: Column) -> list[str]:
        """The members of `properties` that a column may have been promoted from."""
        source = self._source
        fixed = (source.insert_id, source.time, source.event_name, source.distinct_id)
        if column in fixed or column.type not in (*NUMBERS, "STRING", "BOOL", "TIMESTAMP"):
            return []
        promoted = [name for name, own in self._settings.promoted_columns.items() if own == column.name.lower()]
        if promoted:
            return promoted
        # Mixpanel's pipelines name a property `$x` as `mp_x`.
        return [column.name, *([f"${column.name[3:]}"] if column.name.startswith("mp_") else [])]

    def filled(self, alias: str) -> str:
        """How many columns of the content have a value."""
        # A sum of a term for each column would nest as deep as there are columns, which analyzers refuse.
        marks = [f"CASE WHEN {self._at(alias, c)} IS NULL THEN '' ELSE 'x' END" for c in self._source.content]
        return f"CHAR_LENGTH(CONCAT({', '.join(marks)}))"

    def rank_order(self, alias: str) -> str:
        """A total order of the copies of a key; copies that are equal in it are equal in all their columns.

        Copies that the source still has come before those that only policy keeps; then the arrival, as `pipeline.keep` says,
        an unknown one last; the newest version; the content; the row with more columns filled; the remaining columns; at last a
        hash of the row as it is stored, which is one engine's own.
        """
        descending = " DESC" if self._settings.pipeline.keep == "latest" else ""
        arrival, version = f"{alias}.mf__arrival_us", f"{alias}.mf__version_us"
        return ", ".join(
            [
                f"{alias}.mf__gone",
                f"{arrival} IS NULL",
                f"{arrival}{descending}",
                f"{version} IS NULL",
                f"{version} DESC",
                f"{alias}.mf__fingerprint",
                f"{alias}.mf__filled DESC",
                f"{alias}.mf__rest",
                f"{alias}.mf__stored",
            ]
        )

    def rest(self, alias: str) -> str:
        """What else tells of a copy, as one text: it decides between copies of equal content."""
        texts = [self._dialect.text(self._at(alias, column), column) for column in self._source.about_the_copy]
        known = "".join(f"COALESCE({text}, ''), " for text in texts)
        return f"CONCAT({known}'')"

    # The profile

    def is_missing(self, alias: str, column: Column) -> str:
        """Whether a row has no value in a column; an empty text is none."""
        value = self._at(alias, column)
        return f"COALESCE({value}, '') = ''" if column.type == "STRING" else f"{value} IS NULL"

    def has_size(self, alias: str, column: Column) -> str:
        """Whether a column's number has a size: it is neither zero, nor infinite, nor no number at all."""
        if column.type not in NUMBERS:
            return "FALSE"
        number = f"CAST({self._at(alias, column)} AS FLOAT64)"
        return f"COALESCE({number} != 0.0 AND ABS({number}) < 1e300, FALSE)"

    def size(self, alias: str, column: Column) -> str:
        """The natural logarithm of a column's number, 0 where it has no size."""
        number = f"CAST({self._at(alias, column)} AS FLOAT64)" if column.type in NUMBERS else "1.0"
        return f"CASE WHEN {self.has_size(alias, column)} THEN LN(ABS({number})) ELSE 0.0 END"

    def origin(self, alias: str, name: str) -> str:
        """A property's value as text: from its column, else out of the source's JSON."""
        columns = {column.name: column for column in self._source.columns}
        # The schematized pipeline names a property `$x` as `mp_x`.
        for column in (name, name.replace("$", "mp_")):
            if column in columns:
                return f"CAST({self._at(alias, columns[column])} AS STRING)"
        return self._dialect.member(self._at(alias, self._held), name) if self._held else "CAST(NULL AS STRING)"

    def source_file(self, alias: str) -> str:
        """The file that a copy was landed from; NULL where the source does not tell."""
        known = next((c for c in self._source.columns if (c.name.lower(), c.type) == (SOURCE_FILE, "STRING")), None)
        return self._at(alias, known) if known else "CAST(NULL AS STRING)"


def _first_of(values: list[str]) -> str:
    """The first that is not NULL."""
    return values[0] if len(values) == 1 else f"COALESCE({', '.join(values)})"
