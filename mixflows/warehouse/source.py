"""The shape of the source: its columns, and which of them play which role."""

from dataclasses import dataclass
from typing import Self

from mixflows.errors import SourceColumnsError
from mixflows.intake.landing import promoted_columns
from mixflows.settings import Key, Settings

INGESTION_DAY = "_PARTITIONDATE"
"""The day of a table that BigQuery partitions by ingestion time: a pseudo-column, in no list of columns."""
NARROW_TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "TIMESTAMP", "DATETIME", "DATE")
SOURCE_FILE = "source_file"
LANDING_COLUMNS = ("loaded_at", SOURCE_FILE)
"""Columns that `land` writes about a copy's way here; they are no content of the event."""


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
class SourceShape:
    """The source's columns in order, and the roles that the settings give them.

    Attributes:
        arrival: The column that tells when a copy arrived; None where the source has none.
        arrival_type: INT64 (milliseconds since 1970) or TIMESTAMP.
        loaded_at: When a copy was landed; None where the source does not tell.
        partition_date: The source's own day, a column or BigQuery's `_PARTITIONDATE`; None where the day is found by its
            UTC bounds.
    """

    columns: tuple[Column, ...]
    insert_id: str
    time: str
    event_name: str
    distinct_id: str
    arrival: str | None
    arrival_type: str | None
    loaded_at: str | None
    partition_date: str | None
    cluster_by: tuple[str, ...]
    key: tuple[KeyPart, ...]
    content: tuple[Column, ...]

    @property
    def has_day_column(self) -> bool:
        """Whether the day is among the source's columns; else the published tables add it."""
        return any(column.name == self.partition_date for column in self.columns)

    @classmethod
    def of(cls, columns: tuple[Column, ...], settings: Settings) -> Self:
        """Finds the roles among the source's columns.

        Raises:
            SourceColumnsError: A column that the settings name is not there, or its type cannot play its role.
        """
        roles, table = settings.columns, settings.tables.source
        by_name = {column.name: column for column in columns}
        for role in ("insert_id", "time", "event_name", "distinct_id"):
            name = getattr(roles, role)
            if name not in by_name:
                raise SourceColumnsError(
                    f"table {table} has no column {name!r}, which the setting columns.{role} names",
                    f"Its columns are: {', '.join(by_name)}.",
                )
        for role, wanted in (("time", "TIMESTAMP"), ("insert_id", "STRING")):
            column = by_name[getattr(roles, role)]
            if column.type != wanted:
                raise SourceColumnsError(
                    f"column {table}.{column.name} is {column.native_type}, but columns.{role} must be a {wanted}",
                    "Name another column in the settings, or change the source's type.",
                )
        present = [name for name in (roles.arrival, roles.loaded_at) if name is not None and name in by_name]
        arrival = by_name[present[0]] if present else None
        if arrival is not None and arrival.type not in ("INT64", "TIMESTAMP"):
            raise SourceColumnsError(
                f"column {table}.{arrival.name} is {arrival.native_type}; arrivals are INT64 (milliseconds) or TIMESTAMP",
                'Name another column as columns.arrival, or none with "none".',
            )
        day = roles.partition_date if roles.partition_date in (*by_name, INGESTION_DAY) else None
        first_cluster = roles.customer_id if roles.customer_id in by_name else roles.distinct_id
        about_the_copy = {*LANDING_COLUMNS, roles.arrival, roles.loaded_at, roles.partition_date}
        return cls(
            columns=columns,
            insert_id=roles.insert_id,
            time=roles.time,
            event_name=roles.event_name,
            distinct_id=roles.distinct_id,
            arrival=arrival.name if arrival else None,
            arrival_type=arrival.type if arrival else None,
            loaded_at=roles.loaded_at if roles.loaded_at in by_name else None,
            partition_date=day,
            cluster_by=(first_cluster or roles.distinct_id, roles.insert_id),
            key=key_parts(settings),
            content=tuple(sorted((c for c in columns if c.name not in about_the_copy), key=lambda c: c.name)),
        )


def key_parts(settings: Settings) -> tuple[KeyPart, ...]:
    """The key's columns by the setting `pipeline.key`. The day is part of every key, as a day is processed alone.

    Source: Mixpanel deduplicates at query time by event, distinct_id, time and $insert_id (`mixpanel`), and when it
    compacts by event, distinct_id, $insert_id and calendar day (`mixpanel_day`).
    """
    c = settings.columns
    who = (KeyPart(c.event_name, optional=True), KeyPart(c.distinct_id, optional=True))
    insert_id, time = KeyPart(c.insert_id, optional=False), KeyPart(c.time, optional=False)
    parts: dict[Key, tuple[KeyPart, ...]] = {
        "insert_id_time": (insert_id, time),
        "mixpanel": (*who, insert_id, time),
        "mixpanel_day": (*who, insert_id),
    }
    return parts[settings.pipeline.key]


def profiled_columns(shape: SourceShape, settings: Settings) -> tuple[Column, ...]:
    """The columns whose missing values and sizes are part of a day's profile: who, promoted properties, and those named.

    Narrow ones only: each is read on every row of the day.
    """
    who = identity_columns(settings)
    wanted = {*who, *promoted_columns(settings).values(), *settings.quality.profiled_columns}
    return tuple(column for column in shape.columns if column.name in wanted and column.type in NARROW_TYPES)


def identity_columns(settings: Settings) -> tuple[str, ...]:
    """The columns that say who did it, as far as a source has them."""
    roles = settings.columns
    return tuple(name for name in (roles.distinct_id, roles.customer_id) if name is not None)
