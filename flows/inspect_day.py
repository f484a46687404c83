"""The flow `inspect`: a day is looked at closely; nothing is published."""

from datetime import date

from prefect import flow

from tasks.looking import inspect_one
from tasks.runs import NO_RESULTS, held_elsewhere, run_context


@flow(name="inspect", flow_run_name="inspect {day}", retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def inspect(day: date, config: str | None = None, assignments: list[str] | None = None) -> str:
    """Stages a day, judges it, and leaves what it found as an artifact: figures, what fails, samples.

    Args:
        day: The day.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    return inspect_one(run_context(config, assignments or []), day)
