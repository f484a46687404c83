"""Credentials of a Prefect block, for commands that do not run a flow."""

from mixflows.settings import Settings


def take_from_block(settings: Settings) -> None:
    """Hands the warehouse the credentials of the block that the settings name; imports Prefect only if they name one.

    Raises:
        SettingsError: The block cannot be loaded.
    """
    if settings.warehouse.engine == "bigquery" and settings.bigquery.credentials_block is not None:
        from mixflows.cli.running import prepare_prefect

        prepare_prefect(verbose=False)
        from tasks.credentials import hand_over

        hand_over(settings)
