"""Land: one raw-export file, and how a landing of many ended."""

import time
from collections.abc import Sequence
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from mixflows.intake.landing import Landing
from mixflows.pipeline.land import land_one
from mixflows.progress import listener
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse


@task(name="land", task_run_name="land-{path.name}", cache_policy=NO_CACHE, retries=0)
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


def landed_state(results: Sequence[Landing | Exception]) -> State[list[Landing]]:
    """The flow's state: Completed, or Failed with why each refused file was refused."""
    landings = [result for result in results if isinstance(result, Landing)]
    rows = sum(landing.source_rows for landing in landings)
    done = f"{'1 file' if len(landings) == 1 else f'{len(landings):,} files'}, {rows:,} source rows"
    refused = [" ".join(str(result).split()) for result in results if isinstance(result, Exception)]
    if refused:
        return Failed(message="; ".join([done, *refused]), data=landings)
    return Completed(message=done, data=landings)
