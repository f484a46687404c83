"""Files on their way into BigQuery as objects of a bucket of Cloud Storage; they are deleted when they are loaded, or not loaded."""
# google-cloud-storage declares none of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from mixflows.errors import WarehouseError
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.client import with_credentials
from mixflows.warehouse.bigquery.errors import ERRORS

NEEDED = ("storage.objects.create", "storage.objects.delete", "storage.objects.get")
"""What a landing needs of the bucket. Whoever writes an object again needs the right to delete it, too."""
REQUEST_SECONDS = 120
"""How long one request is tried again, and how long its answer is waited for."""
OF_THE_BUCKET = (*ERRORS, DataCorruption)


class Bucket:
    """A folder in a bucket.

    Args:
        client: The client.
        place: `gs://bucket/folder`.
    """

    def __init__(self, client: storage.Client, place: str) -> None:
        name, _, self._folder = place.removeprefix("gs://").partition("/")
        self.place, self._bucket = place, client.bucket(name)

    @contextmanager
    def holding(self, name: str, files: Iterable[Path]) -> Generator[Sequence[str]]:
        """Holds files as objects while the context lasts.

        Args:
            name: Begins their names; an object of the same name is overwritten.
            files: Compressed JSON lines; each may be gone when the next one is asked for.

        Yields:
            The addresses of the objects.

        Raises:
            WarehouseError: The bucket does not take them, or does not let them be deleted.
        """
        objects: list[Any] = []
        try:
            for number, file in enumerate(files):
                path = "/".join(filter(None, (self._folder, f"{name}-{number}.json.gz")))
                objects.append(self._bucket.blob(path))
                with self._told("write"):
                    objects[-1].upload_from_filename(
                        str(file), content_type="application/gzip", timeout=REQUEST_SECONDS, retry=_retry()
                    )
            yield [f"gs://{self._bucket.name}/{each.name}" for each in objects]
        except BaseException:
            with suppress(WarehouseError):  # what went wrong before is what is told
                self._delete(objects)
            raise
        self._delete(objects)

    def _delete(self, objects: Sequence[Any]) -> None:
        with self._told("delete"):
            for each in objects:
                with suppress(api.NotFound):
                    each.delete(timeout=REQUEST_SECONDS, retry=_retry())

    def missing_rights(self) -> list[str]:
        """The rights on the bucket that a landing needs and these credentials have not.

        Raises:
            WarehouseError: The bucket is not there, or cannot be asked.
        """
        with self._told("look up the rights on"):
            held = self._bucket.test_iam_permissions(list(NEEDED), timeout=REQUEST_SECONDS, retry=_retry())
        return sorted(set(NEEDED) - set(held))

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        try:
            yield
        except OF_THE_BUCKET as err:
            raise self._translated(err, what) from err

    def _translated(self, err: BaseException, what: str) -> WarehouseError:
        name = self._bucket.name
        if isinstance(err, api.NotFound):
            return WarehouseError(
                f"bucket {name} of landing.bucket is not there",
                "Create it in the location of the datasets, or correct landing.bucket.",
            )
        if isinstance(err, api.Forbidden | api.Unauthorized):
            return WarehouseError(
                f"may not {what} {self.place}, which landing.bucket names",
                f"Grant {', '.join(NEEDED)} on the bucket, such as by roles/storage.objectUser; mixflows doctor checks them.",
            )
        return WarehouseError(
            f"could not {what} {self.place}, which landing.bucket names: {type(err).__name__}",
            "Cloud Storage could not be reached or had an outage; run it again later.",
        )


@contextmanager
def opened_bucket(settings: BigQuerySettings, place: str) -> Generator[Bucket]:
    """Opens a bucket with the credentials of BigQuery.

    Args:
        settings: Name the credentials and the project.
        place: `gs://bucket/folder`.

    Raises:
        SettingsError: See `with_credentials`.
        WarehouseError: There are no credentials here.
    """
    client = with_credentials(settings, storage.Client, project=settings.project)
    try:
        yield Bucket(client, place)
    finally:
        client.close()


def _retry() -> Retry:
    return DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
