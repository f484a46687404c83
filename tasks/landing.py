"""Land: one raw-export file, and how a landing of many ended."""

import time
from collections.abc import Sequence
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from mixflows.errors import AlreadyLandedError
from mixflows.intake.finding import FoundFiles
from mixflows.intake.landing import Landing, passed_over_words
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.land import land_one
from mixflows.progress import listener
from mixflows.text import at_most, counted

NAMED = 20
"""A message names at most this many refused files, and says how many more there are."""


@task(name="land", task_run_name="land-{name}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def land_file(
    context: RunContext, path: Path, name: str, *, again: bool, allow_malformed: bool, skip_known: bool
) -> Landing | None:
    """Lands one file, see `mixflows.pipeline.land.land_one`; None for content that was landed before and is skipped."""
    started = time.perf_counter()
    heard = listener()
    try:
        landing = land_one(
            context.warehouse, context.settings, path, again=again, allow_malformed=allow_malformed,
            on_progress=lambda share: heard.file_progress(name, share),
        )  # fmt: skip
    except AlreadyLandedError:
        if not skip_known:
            raise
        get_run_logger().info("%s landed before: skipped", name)
        return None
    heard.landed(landing)
    reasons = "; ".join(f"{rows:,} {reason}" for reason, rows in landing.reasons)
    get_run_logger().info(
        "%s landed: %s lines, %s source rows, %s malformed%s, %s joined, %.2f s",
        name, landing.lines, landing.source_rows, landing.malformed_rows, f" ({reasons})" if reasons else "",
        landing.joined_rows, time.perf_counter() - started,
    )  # fmt: skip
    if landing.is_restamped:
        get_run_logger().warning(
            "%s: %s of %s sampled rows were landed before with the same insert id and a time less than a second away",
            name, landing.restamped_rows, landing.sampled_rows,
        )  # fmt: skip
    return landing


def landed_state(results: Sequence[Landing | Exception | None], found: FoundFiles) -> State[list[Landing]]:
    """The flow's state: Completed, or Failed with why each refused file was refused."""
    landings = [result for result in results if isinstance(result, Landing)]
    rows = sum(landing.source_rows for landing in landings)
    done = [f"{counted(len(landings), 'file')}, {counted(rows, 'source row')}"]
    if known := sum(result is None for result in results):
        done.append(f"{known:,} landed before")
    if found.passed_over:
        done.append(passed_over_words(found.passed_over).removesuffix("."))
    refused = [" ".join(str(result).split()) for result in results if isinstance(result, Exception)]
    if refused:
        return Failed(message="; ".join([*done, *at_most(NAMED, refused)]), data=landings)
    return Completed(message="; ".join(done), data=landings)
