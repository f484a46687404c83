"""The part of the engine that takes in files; DuckDB, which reads them, is imported only where one is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.jobs import Jobs
from mixflows.warehouse.bigquery.landed_days import LandedDays
from mixflows.warehouse.bigquery.tables import is_landed
from mixflows.warehouse.source import Source

if TYPE_CHECKING:
    from mixflows.warehouse.bigquery.slots import Deliveries


class TakesFiles:
    """See `mixflows.warehouse.base.LandsFiles`; what it stands on is the engine's."""

    dataset: Dataset
    create_tables: Callable[[], tuple[str, ...]]
    forget_source: Callable[[], None]
    source: Callable[[], Source]
    rendered: Callable[..., str]
    query: Callable[..., list[dict[str, Any]]]
    _client: bigquery.Client
    _jobs: Jobs
    _settings: Settings

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Landing:
        """Loads one file; what lasts of it is written in one transaction. See the boundary."""
        landing = self._landings().land(content, again=again, landed_at=landed_at, on_progress=on_progress)
        self._source_changed()
        return landing

    def supersede(
        self,
        content: FileContent,
        delivery: Delivery,
        *,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Superseded:
        """Makes whole days what a delivery says; see the boundary."""
        superseded = self._landings().supersede(content, delivery, landed_at=landed_at, on_progress=on_progress)
        self._source_changed()
        return superseded

    def date_landed_rows(self) -> None:
        """Dates rows of files that were landed in another time zone, in one transaction; see the boundary."""
        table = self.dataset.table("source")
        if table is not None and is_landed(table):
            LandedDays(self._jobs, self.dataset, self._settings, self.source(), self.rendered).date_anew()

    def _landings(self) -> Deliveries:
        from mixflows.warehouse.bigquery.slots import Deliveries

        files = Deliveries(self._client, self._jobs, self.dataset, self._settings, self.rendered, self.query)
        files.source()  # what it is refused for is said before anything is created
        self.create_tables()
        return files

    def _source_changed(self) -> None:
        self.forget_source()
        if self.dataset.table("events") is None:
            self.create_tables()  # now that there is a source
