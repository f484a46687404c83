"""What every flow begins with: the settings, the warehouse, and who runs."""

from pathlib import Path
from uuid import uuid4

from prefect.runtime import flow_run

from mixflows.model import Run
from mixflows.settings import Settings, load_settings, parse_assignments


def settings_of(config: str | None, assignments: list[str]) -> Settings:
    """The settings of a flow run, from a file and `section.name=value` assignments over it.

    Raises:
        SettingsError: They do not hold.
    """
    return load_settings(Path(config) if config else None, parse_assignments(assignments))


def current_run() -> Run:
    """The run in Prefect's words: its flow run id, and how often it was started."""
    return Run(str(flow_run.id or uuid4()), int(flow_run.run_count or 1))
