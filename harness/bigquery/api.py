"""How to reach a BigQuery API: a server on loopback, or Google's."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@dataclass(frozen=True)
class BigQueryApi:
    """Where the BigQuery API is.

    Attributes:
        project: The project that holds the datasets.
        endpoint: The server's address; None for Google's.
        location: The location of the datasets.
        objects: The folder that the server reads objects of Cloud Storage from, `bucket/name`; None at Google's.
    """

    project: str
    endpoint: str | None
    location: str
    objects: Path | None = None

    def client(self) -> "Client":
        """The real client; on loopback it needs no credentials."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client

        if self.endpoint is None:
            return Client(project=self.project, location=self.location)
        return Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.endpoint},
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The section [bigquery] for this place, without a dataset."""
        place: dict[str, Any] = {"project": self.project, "location": self.location, "api_endpoint": self.endpoint}
        # The server refuses every MERGE into a table that requires a day, where BigQuery accepts a constant one.
        return place | {"require_partition_filter": self.endpoint is None}
