"""Statements that are all done or none: BigQuery runs them as one script, in a transaction."""

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mixflows.warehouse.base import Row
from mixflows.warehouse.bigquery.jobs import Jobs, Step

STEP = "publish"
"""What the job of a script is called."""


@dataclass
class _Script:
    texts: list[str] = field(default_factory=list[str])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    step: Step | None = None


class Together:
    """Runs statements as jobs, or keeps those of a thread for one job.

    A transaction keeps every other change of its tables waiting or fails by it, which BigQuery asks to run again: only for what
    must not be cut off in between.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._local = threading.local()

    def run(self, sql: str, params: Mapping[str, Any], step: Step) -> list[Row]:
        """Runs a statement; within `collected` it is only kept, and returns no rows."""
        script: _Script | None = getattr(self._local, "script", None)
        if script is None:
            return self._jobs.run(sql, params, step)
        script.texts.append(sql)
        script.params |= params
        script.step = script.step or replace(step, name=STEP)
        return []

    @property
    def is_collecting(self) -> bool:
        """Whether this thread's statements are kept for one job."""
        return getattr(self._local, "script", None) is not None

    @contextmanager
    def collected(self) -> Generator[None]:
        """Runs this thread's statements as one job when it is left without an error."""
        script = self._local.script = _Script()
        try:
            yield
        finally:
            self._local.script = None
        if script.step is not None:
            self._jobs.run(in_transaction(script.texts), script.params, script.step)


def in_transaction(texts: Sequence[str]) -> str:
    """Statements as one script that does all or nothing."""
    return ";\n".join(["BEGIN TRANSACTION", *texts, "COMMIT TRANSACTION", ""])
