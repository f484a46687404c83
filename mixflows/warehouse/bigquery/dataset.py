"""The datasets that a project works in: what its tables are called, and looking them up."""

from collections.abc import Generator
from contextlib import contextmanager

from google.cloud import bigquery

from mixflows.settings import CLAIMS, FINGERPRINT_VERSION, Settings
from mixflows.warehouse.base import SHORT_LIVED, BatchTables
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.errors import ERRORS, translated
from mixflows.warehouse.bigquery.sources import EXPORT_LOG, advice_on_missing
from mixflows.warehouse.bigquery.tables import describe, found

JSON_TEXT = f"mixflows_json_text_{FINGERPRINT_VERSION}"
"""The persistent function that writes JSON as text for the fingerprint; `mixflows init` makes it. Another version is another
function: a dataset keeps those that it has."""


class Dataset:
    """The datasets of one project.

    Args:
        client: The client.
        settings: Names, and the project.
    """

    def __init__(self, client: bigquery.Client, settings: Settings) -> None:
        self._client, self._settings, self._place = client, settings, settings.bigquery

    def table_id(self, role: str) -> str:
        """`project.dataset.table` of a long-lived table."""
        place = self._place
        name = CLAIMS if role == "claims" else getattr(self._settings.tables, role)
        if role == "source":
            return f"{place.source_project or place.project}.{place.source_dataset or place.dataset}.{name}"
        return f"{place.project}.{place.dataset}.{name}"

    def describe(self, table: bigquery.Table | None, role: str) -> None:
        """Writes descriptions, labels and options of a table of ours, if it is there, where they differ."""
        if table is not None:
            with self.told(f"describe {role}"):
                describe(self._client, table, role, self._settings)

    def table(self, role: str) -> bigquery.Table | None:
        """A long-lived table; None if it is not there."""
        with self.told(f"look up {role}"):
            return found(self._client.get_table, self.table_id(role))

    def has_json_text(self) -> bool:
        """Whether the function of the fingerprint is there."""
        with self.told(f"look up {JSON_TEXT}"):
            return found(self._client.get_routine, self.json_text) is not None

    def export_log(self) -> bigquery.Table | None:
        """Mixpanel's log of its exports, if it is there beside the source."""
        with self.told("look up the export log"):
            return found(self._client.get_table, f"{self.of_source}.{EXPORT_LOG}")

    @property
    def json_text(self) -> str:
        """The full name of the function of the fingerprint."""
        return f"{self._place.project}.{self._place.dataset}.{JSON_TEXT}"

    def advice_on_source(self) -> str:
        """What to do about a source that is not there."""
        with self.told("list the tables beside the source"):
            return advice_on_missing(self._client, self.of_source, self._settings.tables.source)

    @property
    def of_source(self) -> str:
        """`project.dataset` of the source."""
        return self.table_id("source").rsplit(".", 1)[0]

    def short_lived_id(self, name: str) -> str:
        """`project.dataset.table` of a short-lived table."""
        return f"{self._place.project}.{self._place.staging_dataset or self._place.dataset}.{name}"

    @property
    def expiring(self) -> str:
        """The option by which a short-lived table or view ends by itself."""
        return f"expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {self._place.staging_hours} HOUR)"

    @property
    def stage_options(self) -> str:
        """The options of a short-lived table."""
        return f"OPTIONS ({self.expiring}, labels = [('app', 'mixflows')])"

    def short_lived(self, tables: BatchTables) -> dict[str, str]:
        """The quoted names of a batch's short-lived tables, by role."""
        return {role: quote(self.short_lived_id(getattr(tables, role))) for role in SHORT_LIVED}

    @contextmanager
    def told(self, name: str) -> Generator[None]:
        """Puts an error of its body into our words.

        Args:
            name: What is being done.
        """
        try:
            yield
        except ERRORS as err:
            raise translated(err, name, self._place, self._client) from err
