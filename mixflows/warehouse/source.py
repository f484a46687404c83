"""The source: its columns, and which of them play which role."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from mixflows.days import days_between
from mixflows.errors import SourceColumnsError
from mixflows.settings import REJECTED_COLUMNS, RESERVED_PREFIX, Key, Settings
from mixflows.text import NAME_LENGTH, plain

INGESTION_DAY = "_PARTITIONDATE"
"""The day of a table that BigQuery partitions by ingestion time: a pseudo-column, in no list of columns."""
PUBLISHED_DAY = "partition_date"
"""The day of every published row, a DATE, whatever the source calls its own."""
DUPLICATE, NO_ID, NO_TIME, FUTURE = (
    "Duplicate event",
    "Missing insert id",
    "Missing event time",
    "Event time in the future",
)
REASONS = (DUPLICATE, NO_ID, NO_TIME, FUTURE)
"""Why a copy is rejected."""
STAGED_DAY, STAGED_IN_DAY = f"{RESERVED_PREFIX}day", f"{RESERVED_PREFIX}in_day"
"""Columns of a staged batch: the day of each row, and whether its event time lies in it."""
NARROW_TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "TIMESTAMP", "DATETIME", "DATE")
SOURCE_FILE = "source_file"
GONE_SINCE = "gone_since"
"""When the newest delivery of a copy's day first lacked the copy, which policy keeps; NULL while it is delivered. It is the
source's alone: no part of the content, and never published."""
COPY_PREFIXES = ("_airbyte_", "_fivetran_", "_sdc_", "_dlt_")
"""How loaders name the columns that tell of a copy's delivery. Source: the documentation of Airbyte, Fivetran, Singer, dlt."""
INSTANTS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "STRING", "TIMESTAMP")
"""Types that are read as an instant: numbers and numeric strings are milliseconds since 1970."""


WALL_CLOCKS = ("DATETIME", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
"""Types that do not say in which time zone they count, the last three of DuckDB."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its type in BigQuery's words, and its type in the engine's own."""

    name: str
    type: str
    native_type: str


@dataclass(frozen=True)
class KeyPart:
    """One column of the key; NULLs of an optional part are equal to each other."""

    name: str
    optional: bool


@dataclass(frozen=True)
class Source:
    """The source's columns in order, and the roles that the settings give them.

    Attributes:
        arrival: The column that tells when a copy arrived; None where the source has none.
        loaded_at: When a copy was landed, its version; None where the source does not tell.
        day: The source's own day: a DATE, a TIMESTAMP at midnight UTC, a DATETIME at midnight, or BigQuery's
            `_PARTITIONDATE`; None where the day is found from the event time, by the day's UTC bounds.
        content: The columns that are content of the event, in name order.
        about_the_copy: The columns that tell of a copy's delivery, besides arrival and `loaded_at`, in name order.
        marks_gone: Whether the source has GONE_SINCE besides its columns.
    """

    columns: tuple[Column, ...]
    insert_id: Column
    time: Column
    event_name: Column
    distinct_id: Column
    arrival: Column | None
    loaded_at: Column | None
    day: Column | None
    cluster_by: tuple[str, ...]
    key: tuple[KeyPart, ...]
    content: tuple[Column, ...]
    about_the_copy: tuple[Column, ...]
    marks_gone: bool = False

    @property
    def passed_through(self) -> tuple[Column, ...]:
        """The columns that the published tables have from the source: all but a day of the name that they use themselves."""
        return tuple(column for column in self.columns if column.name.lower() != PUBLISHED_DAY)

    def published_columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of a published table, `events` or `rejected`, in order."""
        names = (*(column.name for column in self.passed_through), PUBLISHED_DAY)
        return (*names, *REJECTED_COLUMNS) if table == "rejected" else names

    @property
    def columns_version(self) -> str:
        """A hash of the columns' names and types."""
        named = [(column.name, column.native_type) for column in self.columns]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:12]

    def spelled(self, settings: Settings) -> Settings:
        """The settings with the names of columns in the source's own spelling, which may differ in case."""
        true = {column.name.lower(): column.name for column in self.columns}

        def spell(name: str) -> str:
            return true.get(name.lower(), name)

        roles: dict[str, str | None] = settings.columns.model_dump(exclude={"about_the_copy"})
        columns = {role: spell(name) if name else None for role, name in roles.items()}
        about = tuple(spell(name) for name in settings.columns.about_the_copy)
        profiled = tuple(spell(name) for name in settings.quality.profiled_columns)
        return settings.model_copy(
            update={
                "columns": settings.columns.model_copy(update={**columns, "about_the_copy": about}),
                "quality": settings.quality.model_copy(update={"profiled_columns": profiled}),
            }
        )

    @classmethod
    def of(
        cls,
        columns: tuple[Column, ...],
        settings: Settings,
        *,
        words: Mapping[str, str] | None = None,
        marks_gone: bool = False,
    ) -> Self:
        """Finds the roles among the source's columns; names are told apart without case.

        Args:
            columns: The source's, in order.
            settings: Name the roles.
            words: What the engine calls a type, by BigQuery's name of it.
            marks_gone: Whether the column GONE_SINCE is the mark of `land`; else it is the user's own, like any other.

        Raises:
            SourceColumnsError: A column that the settings name is not there, its type cannot play its role, or a column has a
                name that the published tables need.
        """
        if marks_gone:
            columns = tuple(column for column in columns if column.name != GONE_SINCE)
        roles, found = settings.columns, _Roles(columns, settings, words or {})
        insert_id, time = found.required("insert_id"), found.required("time")
        event_name, distinct_id = found.required("event_name"), found.required("distinct_id")
        found.has_type("insert_id", insert_id, ("STRING", "INT64"))
        found.is_instant(time)
        arrival, loaded_at = found.optional("arrival"), found.optional("loaded_at")
        for role, column in (("arrival", arrival), ("loaded_at", loaded_at)):
            if column is not None:
                found.has_type(role, column, INSTANTS)
        day = found.optional("day")
        if day is None and roles.day == INGESTION_DAY:
            day = Column(INGESTION_DAY, "DATE", "DATE")
        if day is not None:
            found.has_type("day", day, ("DATE", "TIMESTAMP", "DATETIME"))
        found.refuse_taken_names(day)
        about = {name.lower() for name in roles.about_the_copy}
        of_the_copy = tuple(
            column
            for column in columns
            if column not in (arrival, loaded_at, day)
            and (column.name.lower() in about or column.name.lower().startswith(COPY_PREFIXES))
        )
        content = [column for column in columns if column not in (*of_the_copy, arrival, loaded_at, day)]
        first_cluster = found.optional("customer_id") or distinct_id
        return cls(
            columns=columns,
            insert_id=insert_id,
            time=time,
            event_name=event_name,
            distinct_id=distinct_id,
            arrival=arrival,
            loaded_at=loaded_at,
            day=day,
            cluster_by=(first_cluster.name, insert_id.name),
            key=_key(settings.pipeline.key, event_name.name, distinct_id.name, insert_id.name, time.name),
            content=tuple(sorted(content, key=lambda column: column.name)),
            about_the_copy=tuple(sorted(of_the_copy, key=lambda column: column.name)),
            marks_gone=marks_gone,
        )


class _Roles:
    """The source's columns, looked up by role."""

    def __init__(self, columns: tuple[Column, ...], settings: Settings, words: Mapping[str, str]) -> None:
        self._columns, self._settings, self._words = columns, settings, words
        self._by_name = {column.name.lower(): column for column in columns}

    def optional(self, role: str) -> Column | None:
        name = getattr(self._settings.columns, role)
        return self._by_name.get(name.lower()) if name else None

    def required(self, role: str) -> Column:
        if (column := self.optional(role)) is None:
            raise SourceColumnsError(
                f"table {self._settings.tables.source} has no column {getattr(self._settings.columns, role)!r}, which the"
                f" setting columns.{role} names",
                f"Its columns are: {', '.join(plain(column.name, NAME_LENGTH) for column in self._columns)}.",
            )
        return column

    def has_type(self, role: str, column: Column, allowed: Collection[str]) -> None:
        if column.type in WALL_CLOCKS and role != "day":
            self._refuse_wall_clock(role, column)
        if column.type not in allowed:
            wanted = ", ".join(self._words.get(kind, kind) for kind in allowed)
            raise SourceColumnsError(
                f"column {self._settings.tables.source}.{plain(column.name)} is {column.native_type}, but columns.{role} must be one"
                f" of {wanted}",
                "Name another column in the settings, or change the source's type.",
            )

    def is_instant(self, time: Column) -> None:
        if time.type in WALL_CLOCKS:
            self._refuse_wall_clock("time", time)
        if time.type != "TIMESTAMP":
            raise SourceColumnsError(
                f"column {self._settings.tables.source}.{time.name} is {time.native_type}, but columns.time must be"
                f" {self._words.get('TIMESTAMP', 'TIMESTAMP')}",
                "Name another column as columns.time, or change the source's type.",
            )

    def _refuse_wall_clock(self, role: str, column: Column) -> None:
        table, wanted = self._settings.tables.source, self._words.get("TIMESTAMP", "TIMESTAMP")
        hint = f"Name another column as columns.{role}, or a table that has it as {wanted}: {wanted}({column.name}, 'UTC')."
        if self._words:
            name, of = (part.replace('"', '""') for part in (column.name, table))
            hint = (
                f'If it counts in UTC: ALTER TABLE "{of}" ALTER COLUMN "{name}" TYPE {wanted}'
                f" USING \"{name}\" AT TIME ZONE 'UTC';"
            )
        raise SourceColumnsError(
            f"column {table}.{column.name} is {column.native_type}, which does not say in which time zone it counts, but"
            f" columns.{role} must be {wanted}",
            hint,
        )

    def refuse_taken_names(self, day: Column | None) -> None:
        table = self._settings.tables.source
        for column in self._columns:
            name = column.name.lower()
            if name in REJECTED_COLUMNS:
                raise SourceColumnsError(
                    f"table {table} has a column {column.name!r}, which {self._settings.tables.rejected} adds itself",
                    f"Rename the column, or name a view of {table} without it as tables.source.",
                )
            if name.startswith(RESERVED_PREFIX):
                raise SourceColumnsError(
                    f"table {table} has a column {column.name!r}; names that begin with {RESERVED_PREFIX} are reserved",
                    "Rename the column.",
                )
            if name == PUBLISHED_DAY and column != day:
                raise SourceColumnsError(
                    f"table {table} has a column {column.name!r}, which the published tables use for the day, but columns.day"
                    f" names {self._settings.columns.day!r}",
                    f'Set columns.day = "{column.name}" if it is the day, or rename the column.',
                )


def _key(key: Key, event_name: str, distinct_id: str, insert_id: str, time: str) -> tuple[KeyPart, ...]:
    """The key's columns by the setting `pipeline.key`. The day is part of every key, as a day is processed alone.

    Source: Mixpanel deduplicates at query time by event, distinct_id, time and $insert_id (`mixpanel`), and when it
    compacts by event, distinct_id, $insert_id and calendar day (`mixpanel_day`).
    """
    who = (KeyPart(event_name, optional=True), KeyPart(distinct_id, optional=True))
    what, when = KeyPart(insert_id, optional=False), KeyPart(time, optional=False)
    parts: dict[Key, tuple[KeyPart, ...]] = {
        "insert_id_time": (what, when),
        "mixpanel": (*who, what, when),
        "mixpanel_day": (*who, what),
    }
    return parts[key]


def key_parts(settings: Settings) -> tuple[KeyPart, ...]:
    """The key's columns as the settings name them."""
    c = settings.columns
    return _key(settings.pipeline.key, c.event_name, c.distinct_id, c.insert_id, c.time)


def profiled_columns(source: Source, settings: Settings) -> tuple[Column, ...]:
    """The columns whose missing values and sizes are part of a day's profile: who, promoted properties, and those named.

    Narrow ones only: each is read on every row of the day.
    """
    who = identity_columns(settings)
    named = {*who, *settings.promoted_columns.values(), *settings.quality.profiled_columns}
    wanted = {name.lower() for name in named}
    return tuple(column for column in source.columns if column.name.lower() in wanted and column.type in NARROW_TYPES)


def identity_columns(settings: Settings) -> tuple[str, ...]:
    """The columns that say who did it, as far as a source has them."""
    roles = settings.columns
    return tuple(name for name in (roles.distinct_id, roles.customer_id) if name is not None)


def days_of_source(source: Source, query: Callable[[str], Sequence[Mapping[str, Any]]]) -> Sequence[date]:
    """The days that event times lie in, where the source does not name them itself; none where it does."""
    if source.day is not None:
        return ()
    (row,) = query("time_range")
    return days_between(row["first_us"], row["last_us"])
