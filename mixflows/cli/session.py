"""What commands share: the settings, the warehouse with its credentials, the next command to show, the renewed report."""

from pathlib import Path

from mixflows.cli.output import Notices, starting_server
from mixflows.progress import listening
from mixflows.settings import Settings, command_line, load_settings, parse_assignments, settings_file
from mixflows.warehouse import open_warehouse
from mixflows.warehouse.base import Warehouse


def opened(config: Path | None, assignments: list[str] | None) -> tuple[Settings, Warehouse]:
    """The settings and their warehouse, which is created where it is not there."""
    settings = load_settings(config, parse_assignments(assignments or []))
    return settings, _open(settings, must_exist=False)


def opened_to_read(config: Path | None, assignments: list[str] | None) -> tuple[Settings, Warehouse]:
    """The settings and their warehouse, which must be there.

    Raises:
        MissingTableError: It is not there; nothing was created.
    """
    settings = load_settings(config, parse_assignments(assignments or []))
    return settings, _open(settings, must_exist=True)


def opened_source(settings: Settings) -> Warehouse:
    """The warehouse, once it is sure that there is a source table to read.

    Raises:
        MissingTableError: Nothing was landed yet.
        SourceColumnsError: The source lacks a column that the settings name.
    """
    warehouse = _open(settings, must_exist=True)
    warehouse.source()
    return warehouse


def _open(settings: Settings, *, must_exist: bool) -> Warehouse:
    take_from_block(settings)
    with listening(Notices()):
        return open_warehouse(settings, must_exist=must_exist)


def take_from_block(settings: Settings) -> None:
    """Hands the warehouse the credentials of the block that the settings name; imports Prefect only if they name one.

    Raises:
        SettingsError: The block cannot be loaded.
    """
    if settings.warehouse.engine == "bigquery" and settings.bigquery.credentials_block is not None:
        from deployments.prefect_server import connected, prepare_prefect

        prepare_prefect(verbose=False)
        from tasks.credentials import hand_over

        with connected(starting_server()):
            hand_over(settings)


def command(*words: str, config: Path | None) -> str:
    """A command line for the same installation, to be shown as the next step."""
    return command_line(*words, config=settings_file(config))


def renew_report(warehouse: Warehouse, settings: Settings) -> None:
    """Writes the report anew, where the settings name its file."""
    if settings.report.path is not None:
        from mixflows.report.page import write_report  # its charts take a while to import

        write_report(warehouse, settings, settings.report.path)
