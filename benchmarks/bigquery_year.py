"""How many jobs the backfill of a year is on BigQuery's API."""

from pathlib import Path

from benchmarks.api import ApiProject, api_on_loopback
from benchmarks.results import Answer, Figure, Table
from benchmarks.source import project
from harness.bigquery.server import NoInterpreterError, ServerError
from harness.on_paper import backfill
from mixflows.costs.model import Workload


def measure(folder: Path, days: int, rows: int) -> Answer:
    about = (
        f"`mixflows backfill --no-prefect` of {days} days of {rows} events on an API server on loopback: jobs as the server knows"
        " them. Its seconds are those of that server, which is no BigQuery."
    )
    source = project(folder / "source", days, rows)
    try:
        with api_on_loopback(folder) as api:
            warehouse = ApiProject(api, folder / "home", "year")
            warehouse.load(source)
            span, jobs = warehouse.run("backfill")
            published = len(warehouse.days("mp_events"))
    except (NoInterpreterError, ServerError) as err:
        return Answer(about, notes=[f"Not run: {err}."])
    modelled = backfill(Workload(rows, days_of_history=days)).jobs
    others = [job for job in jobs if job.job_type != "copy"]
    created = sum(job.labels.get("step", "").startswith("create_") for job in jobs)
    return Answer(
        about,
        [
            Figure(f"jobs of a backfill of {days} days, copy jobs aside", len(others), 250, "jobs"),
            Figure("copy jobs a day", (len(jobs) - len(others)) / days, 1, "jobs"),
        ],
        [
            Table(
                "Once",
                ("days published", "jobs", "of these, create tables", "others by the model", "jobs a day", "wall s"),
                [(published, len(jobs), created, modelled, len(jobs) / days, span.wall)],
            )
        ],
    )
