"""The part of the engine that tells which days there are, from metadata and logs; it reads no event."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from mixflows.model import SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import BigQueryDialect, quote
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.partitions import (
    counted_days,
    days_of_slots,
    exported_days,
    partition_days,
    published_days,
)
from mixflows.warehouse.bigquery.sources import EXPORT_LOG, ExportLog
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.source import Source, days_of_source


class TellsDays:
    """See `mixflows.warehouse.base.Warehouse`; what it stands on is the engine's."""

    dataset: Dataset
    source: Callable[[], Source]
    query: Callable[..., list[dict[str, Any]]]
    _jobs: Jobs
    _settings: Settings
    _partitioned_by: str | None
    _most_days: int
    _dialect: Callable[[Sequence[Any]], BigQueryDialect]

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Days from the source's partition metadata; reads no event. See the boundary."""
        self.source()
        if self._partitioned_by is None:
            listed, without_day = counted_days(
                self.query("source_days", days=days_of_source(self.source(), self.query)), self._exports()
            )
        else:
            rows = self.query("partitions", {"table_name": self._settings.tables.source})
            exported = {} if any(row.get("last_modified_time") for row in rows) else self._exports()
            gone = self._gone_copies()
            listed, without_day = partition_days(rows, self._partitioned_by, self._settings, exported, gone)
        least = 1 / self._most_days  # of a batch: more days make a statement too long
        wanted = (day for day in listed if days is None or day.day in days)
        return [replace(day, share=max(day.share, least)) for day in wanted], without_day

    def _gone_copies(self) -> dict[date, int]:
        """Copies of the source that are gone, by day."""
        days = days_of_slots(self.query("gone_slots")) if self.source().marks_gone else []
        return {row["day"]: int(row["gone_rows"]) for row in self.query("gone_days", days=days)} if days else {}

    def published_rows(self) -> dict[date, tuple[int, int]]:
        """Row counts of the published tables' partitions; see the boundary."""
        names = {role: getattr(self._settings.tables, role) for role in ("events", "rejected")}
        return published_days(self.query("published_partitions", names), **names)

    def _exports(self) -> dict[date, datetime]:
        """What Mixpanel's export log tells, where there is one; of landed rows, what the landing log tells."""
        if self.source().marks_gone:
            return {row["partition_date"]: row["last_landed_at"] for row in self.query("report_landed_days")}
        if (table := self.dataset.export_log()) is None or (log := ExportLog.of(table)) is None:
            return {}
        names = {f"log_{role}": quote(name) for role, name in asdict(log).items()}
        log_id = f"{self.dataset.of_source}.{EXPORT_LOG}"
        sql = Statements({"export_log": quote(log_id), **names}, self._settings, None, self._dialect(()))
        return exported_days(self._jobs.run(sql.render("exports"), {}, Step("exports")))
