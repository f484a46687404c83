"""Lands one raw-export file in BigQuery: its rows are staged by load jobs, and one transaction adds them and the landing.

The source is created by the first landing; a source that mixflows did not create is never written.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud import bigquery

from mixflows.errors import UsageError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.refusals import LandedBefore, refuse_known, refuse_other_feed
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.parameters import Rows
from mixflows.warehouse.bigquery.staged_files import MALFORMED, StagedFile, StagedFiles, fields
from mixflows.warehouse.bigquery.tables import APP_LABEL, LANDED_BY, expires, fields_of, is_landed
from mixflows.warehouse.bigquery.together import in_transaction

DESCRIPTION = "Every delivered copy of the Mixpanel events, as landed from export files. Written by mixflows."
FROM_FILES: Mapping[str, Any] = {"feed": "files"}
SAMPLE = {"nth": "INT64", "insert_id": "STRING", "time_us": "INT64"}
ROWS_PER_DAY = {"partition_date": "DATE", "source_rows": "INT64"}


class FileLandings:
    """Lands files.

    Args:
        client: Makes and changes the source.
        jobs: Runs the statements.
        dataset: Names the tables.
        settings: Names and units.
        rendered: A statement of `sql/`, by its name, with further names.
        query: Runs a statement of `sql/` that returns few rows.
    """

    def __init__(
        self,
        client: bigquery.Client,
        jobs: Jobs,
        dataset: Dataset,
        settings: Settings,
        rendered: Callable[..., str],
        query: Callable[..., list[dict[str, Any]]],
    ) -> None:
        self._client, self._jobs, self._dataset, self._settings = client, jobs, dataset, settings
        self._rendered, self._query = rendered, query
        self.files = StagedFiles(client, jobs, dataset, settings)

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None,
    ) -> Landing:
        """Lands one file; our own tables are there.

        A transaction holds all that is written. It is one job, whose id is known before it is sent, and adds nothing of content
        that another process landed meanwhile.

        Args:
            content: The inspected file.
            again: Land content that was landed before once more.
            landed_at: UTC; stands in `loaded_at` and in the landing log.
            on_progress: Is told the share of the file that was read, 0 to 1, from another thread.

        Raises:
            UsageError: The source is fed from elsewhere, or is not one that mixflows created.
            AlreadyLandedError: The same content was landed before, and not `again`. Empty files may be landed any time.
            LandingError: The file cannot be read, changed while it was read, or counts time in another unit.
            SourceColumnsError: A column of the source is missing or has another type.
            WarehouseError: BigQuery refuses something. After any of these errors nothing of the file was landed.
        """
        before = self.before(content)
        refuse_other_feed(self._settings, before, "files")
        again = again or not content.size_bytes
        if not again:
            refuse_known(content, before)
        source = self.source()
        with self.files.staged(content, source, landed_at, on_progress) as staged:
            restamped = self._restamped(staged) if source is not None else 0
            landing = replace(
                staged.landing, sampled_rows=len(staged.sample) if source else 0, restamped_rows=restamped
            )
            self.complete_source(source, staged)
            self.commit(staged, again=again)
        if not again and (after := self.before(content)).known_at != landed_at:
            refuse_known(content, after)
        return landing

    def before(self, content: FileContent) -> LandedBefore:
        """What the landing log says before a file is landed."""
        values = {"zone": self._settings.project_timezone, "content_hash": content.content_hash}
        (row,) = self._query("land_before", values)
        return LandedBefore(**row)

    def source(self) -> bigquery.Table | None:
        """The source, if it is there.

        Raises:
            UsageError: It is not one that mixflows created.
        """
        table = self._dataset.table("source")
        if table is not None and not is_landed(table):
            raise UsageError(
                f"nothing was landed: mixflows did not create {self._dataset.table_id('source')}, and lands into no other table",
                "Files are for a source of their own: name a new table as tables.source, or another bigquery.source_dataset.",
            )
        return table

    def complete_source(self, source: bigquery.Table | None, staged: StagedFile) -> None:
        """Creates the source, partitioned by its day and clustered by insert id, or adds the columns that it lacks."""
        with self._dataset.told("create the source"):
            missing = fields({name: staged.columns[name] for name in staged.missing})
            if source is not None:
                if missing:
                    source.schema = [*fields_of(source), *missing]
                    self._client.update_table(source, ["schema"])
                return
            roles = self._settings.columns
            new = bigquery.Table(self._dataset.table_id("source"), schema=missing)
            new.time_partitioning = bigquery.TimePartitioning(field=roles.day or roles.time)
            new.clustering_fields = [roles.insert_id]
            new.labels = self._settings.bigquery.labels | APP_LABEL | LANDED_BY
            new.description = DESCRIPTION
            made = self._client.create_table(new, exists_ok=True)
            if expires(made):  # by the defaults of the dataset
                made.expires = None
                made.time_partitioning = new.time_partitioning
                self._client.update_table(made, ["expires", "time_partitioning"])

    def _restamped(self, staged: StagedFile) -> int:
        days = [day for day, _ in staged.landing.rows_per_day if day is not None]
        if not staged.sample or not days:
            return 0
        rows = [{"nth": n, "insert_id": name, "time_us": at} for n, (name, at) in enumerate(staged.sample)]
        (found,) = self._query("restamped", {"sample": Rows(SAMPLE, rows)}, days)
        return int(found["restamped_rows"])

    def commit(self, staged: StagedFile, *, again: bool) -> None:
        """Adds a landing to the log, and its rows to the source and to the malformed lines, in one transaction."""
        log, values = self.logging(staged, FROM_FILES)
        texts = [log, self._rendered("land_alone")]
        for target, rows, columns in (
            ("source", staged.events, staged.columns),
            ("malformed", staged.malformed, MALFORMED),
        ):
            names = {
                "target": quote(self._dataset.table_id(target)),
                "staged": quote(rows),
                "landed_columns": ", ".join(map(quote, columns)),
            }
            texts.append(self._rendered("land_rows", short_lived=names))
        self._jobs.run(in_transaction(texts), {**values, "again": again}, Step("land", staged.run))

    def logging(self, staged: StagedFile, more: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The statement that adds a landing to the log, and its values.

        Args:
            more: Further columns of the log.
        """
        logged = {name: value for name, value in {**staged.landing.logged(), **more}.items() if value is not None}
        values = {**logged, "rows_per_day": Rows(ROWS_PER_DAY, staged.landing.logged_days)}
        names = {
            "logged_columns": ", ".join(map(quote, logged)),
            "logged_values": ", ".join(f"@{name}" for name in logged),
        }
        return self._rendered("land_log", short_lived=names), values
