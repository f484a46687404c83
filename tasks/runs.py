"""What every flow begins with: the settings, the warehouse, and who runs."""

from pathlib import Path
from uuid import uuid4

from prefect.runtime import flow_run

from mixflows.model import Run
from mixflows.settings import Settings, load_settings, parse_assignments
from tasks.credentials import hand_over


def settings_of(config: str | None, assignments: list[str]) -> Settings:
    """The settings of a flow run, from a file and `section.name=value` assignments over it.

    BigQuery's jobs are labelled with the flow, and its credentials taken from the block that the settings name.

    Raises:
        SettingsError: They do not hold, or the block cannot be loaded.
    """
    settings = load_settings(Path(config) if config else None, parse_assignments(assignments))
    if settings.warehouse.engine != "bigquery":
        return settings
    hand_over(settings)
    labels = {"flow": str(flow_run.flow_name or "none")} | settings.bigquery.labels
    return settings.model_copy(update={"bigquery": settings.bigquery.model_copy(update={"labels": labels})})


def current_run() -> Run:
    """The run in Prefect's words: its flow run id, and how often it was started."""
    return Run(str(flow_run.id or uuid4()), int(flow_run.run_count or 1))
