"""Supersedes whole days in BigQuery: the delivery is staged by load jobs, and one transaction writes what differs and the landing."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from google.cloud import bigquery

from mixflows.errors import WarehouseError
from mixflows.intake.content import FileContent
from mixflows.intake.refusals import LandedBefore, refuse_other_feed, refuse_stale
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.warehouse.base import Params, Row
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import BigQueryDialect, quote
from mixflows.warehouse.bigquery.errors import ERRORS, RUN_AGAIN
from mixflows.warehouse.bigquery.jobs import Step
from mixflows.warehouse.bigquery.landing import FileLandings
from mixflows.warehouse.bigquery.staged_files import StagedFile
from mixflows.warehouse.bigquery.tables import MARK, columns_of, fields_of, marks_gone
from mixflows.warehouse.bigquery.together import in_transaction
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.slots import (
    SHORT_LIVED,
    Slot,
    SlotExpressions,
    after,
    project_days,
    refuse_gone_since,
    refuse_without_version,
)
from mixflows.warehouse.source import Column, Source

ATTEMPTS = 3
"""So often is a delivery compared anew because another process landed something meanwhile."""


class Deliveries(FileLandings):
    """Lands files, and deliveries of whole days."""

    def supersede(
        self,
        content: FileContent,
        delivery: Delivery,
        *,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None,
    ) -> Superseded:
        """Makes the days of a delivery what it says. What lasts of it is written in one transaction, with the landing.

        Args:
            content: The inspected file; its rows and lines are known by `content.name`, which is the slot's name.
            delivery: The slot and its days.
            landed_at: UTC; the version of what changes, unless the slot has a later one.
            on_progress: Is told the share of the file that was read, 0 to 1, from another thread.

        Raises:
            ShrunkError: A day lacks events, more than is likely, and is not accepted.
            LandingError: The file is refused, or has rows of other days.
            UsageError: The source is fed from elsewhere or not one that mixflows created, the slot's times count another unit, or
                the source is dated in another time zone.
            SourceColumnsError: A column of the source is missing, has another type, or is named like the mark of gone copies.
            WarehouseError: BigQuery refuses something. After any of these errors the source is as it was.
        """
        refuse_without_version(self._settings, delivery)
        for attempt in range(1, ATTEMPTS + 1):
            before = self.before(content)
            refuse_other_feed(self._settings, before, delivery.feed)
            refuse_stale(self._settings, before, delivery.slot)
            source, version = self.source(), after(landed_at, before.last_landed_at)
            with self.files.staged(content, source, version, on_progress, delivery=delivery) as staged:
                try:
                    return self._superseded(staged, source, delivery, before)
                except WarehouseError:
                    if attempt == ATTEMPTS or self.before(content).landings == before.landings:
                        raise
        raise WarehouseError(f"{delivery.slot} is not landed: other processes land files all the time", RUN_AGAIN)

    def _superseded(
        self, staged: StagedFile, source: bigquery.Table | None, delivery: Delivery, before: LandedBefore
    ) -> Superseded:
        columns, held = self._compared_source(staged, source)
        made = {role: self._dataset.short_lived_id(f"stg_mp_{role}_{staged.run.run_id}") for role in SHORT_LIVED[2:]}
        tables = {role: quote(table) for role, table in made.items()}
        tables |= {"incoming": _widened(staged, columns), "incoming_malformed": quote(staged.malformed)}
        slot_of = (self._dataset, self._settings, columns, delivery)
        comparing = slot_statements(*slot_of, tables | {"source": held})
        writing = slot_statements(*slot_of, tables)

        def query(name: str, flags: tuple[str, ...], params: Params) -> list[Row]:
            return self._jobs.run(comparing.render(name, flags), params, Step(name, staged.run, may_repeat=True))

        slot = Slot(query, self._settings, delivery, staged.landing)
        try:
            compared = slot.compare()
            if compared.superseded.status == "landed":
                self.complete_source(source, staged)
                self._mark_source()
                log, values = self.logging(staged, compared.logged)
                texts = [writing.render("slot_alone"), log, writing.render("land_alone")]
                texts += [writing.render(name, flags) for name, flags in compared.writes]
                params = {**values, **slot.params, "again": True, "landings": before.landings}
                self._jobs.run(in_transaction(texts), params, Step("land", staged.run))
        finally:
            with suppress(*ERRORS):
                for table in made.values():
                    self._client.delete_table(table, not_found_ok=True)
        return compared.superseded

    def _compared_source(self, staged: StagedFile, table: bigquery.Table | None) -> tuple[Source, str]:
        """The source as it is to be, and its rows with all of these columns, as a relation; nothing of it is written yet.

        Raises:
            SourceColumnsError: It has a column of the mark's name already, and it is the user's own.
        """
        lacking = {name: staged.columns[name] for name in staged.missing}
        columns = (*(columns_of(table) if table else ()), *(Column(name, kind, kind) for name, kind in lacking.items()))
        if table is None or not marks_gone(table):
            refuse_gone_since(self._settings, columns)
            lacking |= {MARK.name: str(MARK.field_type)}
        nulls = [f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in lacking.items()]
        if table is None:
            relation = f"(SELECT {', '.join(nulls)} LIMIT 0)"
        else:
            place = quote(self._dataset.table_id("source"))
            relation = f"(SELECT {', '.join(['h.*', *nulls])} FROM {place} AS h)" if nulls else place
        return Source.of(columns, self._settings, marks_gone=True), relation

    def _mark_source(self) -> None:
        """Gives the source the mark of copies that are gone, unless it has it."""
        with self._dataset.told("look up the source"):
            table = self._client.get_table(self._dataset.table_id("source"))
            if not marks_gone(table):
                table.schema = [*fields_of(table), MARK]
                self._client.update_table(table, ["schema"])


def _widened(staged: StagedFile, source: Source) -> str:
    """The delivered rows with all columns of the source, as a relation."""
    lacking = [column for column in source.columns if column.name not in staged.columns]
    nulls = "".join(f", CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in lacking)
    return f"(SELECT d.*{nulls} FROM {quote(staged.events)} AS d)" if nulls else quote(staged.events)


def slot_statements(
    dataset: Dataset,
    settings: Settings,
    source: Source,
    delivery: Delivery,
    tables: Mapping[str, str],
) -> Statements:
    """The statements of one slot.

    Args:
        source: Its columns; it marks copies that are gone.
        tables: The slot's short-lived tables as they stand in the text, by role; see `mixflows.warehouse.slots.SHORT_LIVED`. To
            compare, also the source's rows.
    """
    settings = source.spelled(settings)
    dialect = BigQueryDialect(quote(dataset.json_text), project_days(settings, delivery), settings.zone)
    long_lived = {role: quote(dataset.table_id(role)) for role in settings.tables.model_dump()}
    return Statements(
        {**long_lived, **tables},
        settings,
        source,
        dialect,
        slot=SlotExpressions(source, settings, dialect, delivery),
        stage_options=dataset.stage_options,
    )
