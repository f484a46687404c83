"""BigQuery's credentials from a prefect-gcp block, handed to the warehouse, which does not know Prefect."""

from typing import Any

from mixflows.errors import SettingsError
from mixflows.settings import Settings


def hand_over(settings: Settings) -> None:
    """Loads the block that the settings name, if they name one, and hands its credentials to the warehouse.

    Raises:
        SettingsError: prefect-gcp is not installed, there is no such block, or what it holds are no credentials.
    """
    name = settings.bigquery.credentials_block
    if name is None:
        return
    try:
        from prefect_gcp import GcpCredentials
    except ImportError as err:
        raise SettingsError(
            f"bigquery.credentials_block {name!r} cannot be loaded: prefect-gcp is not installed",
            "Install it: pip install prefect-gcp.",
        ) from err
    from google.auth.exceptions import GoogleAuthError

    from mixflows.warehouse.bigquery.client import provide

    try:
        block: Any = GcpCredentials.load(name)
        credentials = block.get_credentials_from_service_account()
    except ValueError as err:
        # Prefect says so too where there is no block of that name.
        raise SettingsError(
            f"there is no GcpCredentials block {name!r}, or what it holds are no credentials: {type(err).__name__}",
            "Look at it in Prefect's UI under Blocks, or name another in bigquery.credentials_block.",
        ) from err
    except GoogleAuthError as err:
        raise SettingsError(
            f"the GcpCredentials block {name!r} holds no credentials that Google accepts: {type(err).__name__}",
            "Give the block a service account's key, or remove bigquery.credentials_block.",
        ) from err
    provide(name, credentials)
