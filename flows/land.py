"""The flow `land`: raw-export files into the source table."""

from prefect import flow
from prefect.client.schemas.objects import State

from mixflows.intake.finding import find_files
from mixflows.intake.landing import Landing
from tasks.landing import land_file, landed_state
from tasks.runs import settings_of


@flow(name="land", retries=0)
def land(
    files: list[str], again: bool = False, config: str | None = None, assignments: list[str] | None = None
) -> State[list[Landing]]:
    """Lands raw-export files, each whole and in one transaction; a refused file does not stop the others.

    Args:
        files: Files, folders or globs.
        again: Land content that was landed before once more.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    settings = settings_of(config, assignments or [])
    states = [land_file(settings, path, again, return_state=True) for path in find_files(files)]
    return landed_state([state.result(raise_on_failure=False) for state in states])
