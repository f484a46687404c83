"""The flow `report`: the HTML report of everything in the ledger."""

from pathlib import Path

from prefect import flow

from tasks.reporting import write_html_report
from tasks.runs import held_elsewhere, run_context


@flow(name="report", retries=0, persist_result=False)
@held_elsewhere
def report(out: str = "mixflows-report.html", config: str | None = None, assignments: list[str] | None = None) -> str:
    """Writes the report.

    Args:
        out: The file to write.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    return str(write_html_report(run_context(config, assignments or []), Path(out)))
