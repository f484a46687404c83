"""What the deployments take from the project they are deployed from."""

from pathlib import Path

from mixflows.packages import refuse_hidden_packages
from mixflows.settings import Settings, load_settings


def describe() -> dict[str, str]:
    """A build step of `prefect.yaml`: the project's folder, its time zone, in which the cron is read, and its prefix.

    Raises:
        SettingsError: The settings here do not hold; nothing is deployed.
        UsageError: A folder here would hide one of our packages from the runs, which start here.
    """
    refuse_hidden_packages(Path.cwd())
    return described(load_settings(), Path.cwd())


def described(settings: Settings, folder: Path) -> dict[str, str]:
    """What `prefect.yaml` names as `project`."""
    return {
        "time_zone": settings.project_timezone,
        "folder": str(folder),
        "prefix": settings.deployments.prefix,
    }
