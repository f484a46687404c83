"""What every flow begins with: the settings, the warehouse, and who runs."""

from pathlib import Path
from uuid import uuid4

from prefect.runtime import flow_run

from mixflows.model import Run
from mixflows.pipeline.context import RunContext
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.warehouse import open_warehouse
from tasks.credentials import hand_over


def settings_of(config: str | None, assignments: list[str]) -> Settings:
    """The settings of a flow run, from a file and `section.name=value` assignments over it.

    BigQuery's credentials are taken from the block that the settings name.

    Raises:
        SettingsError: They do not hold, or the block cannot be loaded.
    """
    settings = load_settings(Path(config) if config else None, parse_assignments(assignments))
    hand_over(settings)
    return settings


def current_run() -> Run:
    """The run in Prefect's words: its flow run id, how often it was started, and the flow."""
    return Run(str(flow_run.id or uuid4()), int(flow_run.run_count or 1), str(flow_run.flow_name or ""))


def run_context(config: str | None, assignments: list[str], *, must_exist: bool = True) -> RunContext:
    """The run with its settings and the warehouse, which is opened here and closed when the process ends.

    Args:
        config: The settings' file.
        assignments: Settings over it.
        must_exist: Whether the warehouse must be there already; else it is created.

    Raises:
        MixflowsError: The settings do not hold, or the warehouse cannot be opened.
    """
    settings = settings_of(config, assignments)
    return RunContext(open_warehouse(settings, must_exist=must_exist), settings, current_run())
