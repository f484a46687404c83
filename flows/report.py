"""The flow `report`: the HTML report of everything in the ledger."""

from pathlib import Path

from prefect import flow

from mixflows.errors import UsageError
from tasks.names import report_name
from tasks.reporting import write_html_report
from tasks.runs import NO_RESULTS, held_elsewhere, run_context


@flow(name="report", flow_run_name=report_name, retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def report(out: str = "mixflows-report.html", config: str | None = None, assignments: list[str] | None = None) -> str:
    """Writes the report.

    Args:
        out: The file to write.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.

    Raises:
        UsageError: `out` is standard output, which a flow has none of.
    """
    if out == "-":
        raise UsageError("out is -, and a flow has no standard output to write the report to", "Name a file in out.")
    return str(write_html_report(run_context(config, assignments or []), Path(out)))
