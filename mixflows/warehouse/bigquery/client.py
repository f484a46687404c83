"""Clients of Google Cloud, with a block's credentials, a key file's, or the environment's own."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.oauth2 import service_account

from mixflows.errors import SettingsError, WarehouseError
from mixflows.settings import BigQuerySettings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

T = TypeVar("T")
_blocks: dict[str, "Credentials"] = {}


def provide(block: str, credentials: "Credentials") -> None:
    """Hands over a block's credentials, by the block's name; the library itself does not know Prefect."""
    _blocks[block] = credentials


def make_client(settings: BigQuerySettings) -> bigquery.Client:
    """A client of BigQuery with the credentials that the settings name; see `with_credentials` for errors."""
    options: dict[str, Any] = {"project": settings.project, "location": settings.location}
    if settings.api_endpoint is not None:
        options["client_options"] = ClientOptions(api_endpoint=settings.api_endpoint)
    return with_credentials(settings, bigquery.Client, **options)


def with_credentials(settings: BigQuerySettings, made: Callable[..., T], **options: Any) -> T:
    """Makes a client with the credentials that the settings name.

    Args:
        settings: Name the credentials; on another address of the API none are needed.
        made: The client's class.
        options: What else it is made with.

    Raises:
        SettingsError: A block's credentials were not handed over, or the key file is no key file.
        WarehouseError: There are no credentials here.
    """
    from google.auth.exceptions import DefaultCredentialsError

    try:
        if settings.credentials_block is not None:
            if settings.credentials_block not in _blocks:
                raise SettingsError(
                    f"bigquery.credentials_block {settings.credentials_block!r} was not loaded",
                    "Blocks are loaded by Prefect's flows and by the command line.",
                )
            options["credentials"] = _blocks[settings.credentials_block]
        elif settings.key_file is not None:
            options["credentials"] = service_account.Credentials.from_service_account_file(str(settings.key_file))
        elif settings.api_endpoint is not None:
            options["credentials"] = AnonymousCredentials()
        return made(**options)
    except (OSError, ValueError) as err:
        raise SettingsError(
            f"bigquery.key_file {settings.key_file} is no service account's key file: {type(err).__name__}",
            "Download the key again, or use Application Default Credentials.",
        ) from err
    except DefaultCredentialsError as err:
        raise WarehouseError(
            "there are no credentials for BigQuery here",
            "Set bigquery.credentials_block or bigquery.key_file, or run: gcloud auth application-default login",
        ) from err
