"""What the deployments take from the project they are deployed from."""

from pathlib import Path

from mixflows.settings import load_settings


def describe() -> dict[str, str]:
    """A build step of `prefect.yaml`: the project's folder, and its time zone, in which the cron is read.

    Raises:
        SettingsError: The settings here do not hold; nothing is deployed.
    """
    return {"time_zone": load_settings().project_timezone, "folder": str(Path.cwd())}
