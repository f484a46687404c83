"""Land: one raw-export file."""

import time
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from mixflows.landing import Landing
from mixflows.pipeline.land import land_one
from mixflows.progress import listener
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse


@task(name="land", task_run_name="land-{path.name}", cache_policy=NO_CACHE)
def land_file(settings: Settings, path: Path, again: bool) -> Landing:
    """Lands one file; see `mixflows.pipeline.land.land_one`."""
    started = time.perf_counter()
    heard = listener()
    landing = land_one(
        open_warehouse(settings), settings, path,
        again=again, on_progress=lambda share: heard.file_progress(path.name, share),
    )  # fmt: skip
    heard.landed(landing)
    get_run_logger().info(
        "%s landed: %s lines, %s source rows, %s malformed, %.2f s",
        path.name, landing.lines, landing.source_rows, landing.malformed_rows, time.perf_counter() - started,
    )  # fmt: skip
    return landing
