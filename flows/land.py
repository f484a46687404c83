"""The flow `land`: raw-export files into the source table."""

from prefect import flow
from prefect.client.schemas.objects import State

from mixflows.intake.finding import find_files
from mixflows.intake.landing import Landing
from mixflows.text import plain
from tasks.landing import land_file, landed_state
from tasks.names import land_name
from tasks.runs import NO_RESULTS, held_elsewhere, run_context


@flow(name="land", flow_run_name=land_name, retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def land(
    files: list[str],
    again: bool = False,
    allow_malformed: bool = False,
    config: str | None = None,
    assignments: list[str] | None = None,
) -> State[list[Landing]]:
    """Lands raw-export files, each whole and in one transaction; a refused file does not stop the others.

    Args:
        files: Files, folders or globs.
        again: Land content that was landed before once more.
        allow_malformed: Land files of which most lines are no events, as malformed lines.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    context = run_context(config, assignments or [], must_exist=False)
    found = find_files(files)
    states = [
        land_file(
            context, path, plain(path.name),
            again=again, allow_malformed=allow_malformed, skip_known=not found.is_alone, return_state=True,
        )
        for path in found.files
    ]  # fmt: skip
    return landed_state([state.result(raise_on_failure=False) for state in states], found)
