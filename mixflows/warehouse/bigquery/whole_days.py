"""Days that are replaced whole: their events are written once, as partitions of a table like `mp_events`, which are then copied."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

from google.cloud import bigquery

from mixflows.warehouse.base import BatchDay, BatchStatement
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.tables import APP_LABEL, fields_of
from mixflows.warehouse.dialect import date_literal
from mixflows.warehouse.source import PUBLISHED_DAY

COPY = "copy_events"
COPIES_AT_ONCE = 4
"""A table's partitions may change 50 times in ten seconds, and a copy takes a second or more.
Source: https://cloud.google.com/bigquery/quotas, partitioned tables."""
FIRST_PARTITION, LAST_PARTITION = date(1960, 1, 1), date(2159, 12, 31)
"""Days before and after share one partition.
Source: https://cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables"""


SET_ASIDE_DAYS = 365_243
"""A thousand years: the table that events are written to first has rows that need ranking so long before their day."""
GONE_DAYS, LAST_GONE = 547_864, date(800, 1, 1)
"""1,500 years: likewise, copies that the source marks as gone; they are all before the second day."""


@dataclass(frozen=True)
class SetAside:
    """SQL of rows that are set aside to be ranked, each under a day of its own day's.

    Attributes:
        days: The batch's days.
        marks_gone: Whether the source marks copies that are gone.
    """

    days: Sequence[BatchDay]
    marks_gone: bool = False

    def day_for(self, day: str, gone: str = "FALSE") -> str:
        """Under which day to set aside the rows of a day.

        Args:
            gone: Whether a row is a copy that is gone.
        """
        aside = f"DATE_SUB({day}, INTERVAL {SET_ASIDE_DAYS} DAY)"
        if gone == "FALSE":
            return aside
        return f"CASE WHEN {gone} THEN DATE_SUB({day}, INTERVAL {GONE_DAYS} DAY) ELSE {aside} END"

    def has(self, alias: str) -> str:
        """Whether a row was set aside."""
        days = [
            f"DATE_SUB({date_literal(known.day)}, INTERVAL {before} DAY)"
            for known in self.days
            for before in (SET_ASIDE_DAYS, *([GONE_DAYS] if self.marks_gone else []))
        ]
        return f"{alias}.{quote(PUBLISHED_DAY)} IN ({', '.join(days)})"

    def is_gone(self, alias: str) -> str:
        """Whether a row that was set aside is a copy that is gone."""
        return f"{alias}.{quote(PUBLISHED_DAY)} < {date_literal(LAST_GONE)}"

    def day_of(self, alias: str) -> str:
        """The day of a row that was set aside."""
        before = f"{SET_ASIDE_DAYS}"
        if self.marks_gone:
            before = f"CASE WHEN {self.is_gone(alias)} THEN {GONE_DAYS} ELSE {SET_ASIDE_DAYS} END"
        return f"DATE_ADD({alias}.{quote(PUBLISHED_DAY)}, INTERVAL {before} DAY)"


@dataclass(frozen=True)
class WholeDays:
    """Publishes days by copying partitions.

    Attributes:
        client: The client.
        jobs: Its jobs.
        labels: Of the table.
        slots: As many days are copied at once, whatever the number of batches.
    """

    client: bigquery.Client
    jobs: Jobs
    labels: Mapping[str, str]
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(COPIES_AT_ONCE))

    def create_table(self, name: str, events: bigquery.Table, expires: datetime) -> None:
        """Creates an empty table with the columns, policy tags, partitions and clustering of the published events.

        Args:
            name: `project.dataset.table`; a table of that name is dropped first.
            events: The published events. A copy would give them the columns that only the new table has.
            expires: When BigQuery drops the table by itself.
        """
        new = bigquery.Table(name, schema=fields_of(events))
        new.time_partitioning = bigquery.TimePartitioning(field=PUBLISHED_DAY)
        new.clustering_fields = events.clustering_fields
        new.labels = {**self.labels, **APP_LABEL}
        new.expires = expires
        self.client.delete_table(name, not_found_ok=True)
        made = self.client.create_table(new)
        # A dataset's default would end the partitions of the past at once.
        if (partitioning := made.time_partitioning) is not None and partitioning.expiration_ms is not None:
            partitioning.expiration_ms = None
            self.client.update_table(made, ["time_partitioning"])

    def copy(self, source: str, target: str, statement: BatchStatement, days: Sequence[BatchDay]) -> None:
        """Replaces days of the target by those of a table like it; a day at a time is atomic."""

        def copy_day(day: BatchDay) -> None:
            step = Step(COPY, statement.run, day.day, 1, statement.tables)
            with self.slots:
                self.jobs.copy(f"{source}${day.day:%Y%m%d}", f"{target}${day.day:%Y%m%d}", step)

        with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
            list(pool.map(copy_day, days))


def copied_days(statement: BatchStatement, rows: Mapping[date, int]) -> list[BatchDay]:
    """The days of a statement that are published by copying: staged whole, with rows, and a partition each."""
    return [
        day
        for day in statement.days
        if not day.is_delta and rows[day.day] and FIRST_PARTITION <= day.day <= LAST_PARTITION
    ]
