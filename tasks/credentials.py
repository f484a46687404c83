"""Secrets from Prefect's blocks, handed to the library, which does not know Prefect."""

from typing import Any

from pydantic import SecretStr

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


def with_secret(settings: Settings) -> Settings:
    """The settings with Mixpanel's secret from the Secret block that they name, if they name one.

    Raises:
        SettingsError: There is no such block, or it holds no text.
    """
    name = settings.mixpanel.secret_block
    if name is None:
        return settings
    from prefect.blocks.system import Secret

    try:
        block: Any = Secret.load(name)
    except ValueError as err:
        raise SettingsError(
            f"there is no Secret block {name!r}",
            "Create it in Prefect's UI under Blocks, or name another in mixpanel.secret_block.",
        ) from err
    secret = block.get()
    if not isinstance(secret, str) or not secret:
        raise SettingsError(
            f"the Secret block {name!r} holds no text", "Give it the secret of the service account or project."
        )
    mixpanel = settings.mixpanel.model_copy(update={"secret": SecretStr(secret)})
    return settings.model_copy(update={"mixpanel": mixpanel})
