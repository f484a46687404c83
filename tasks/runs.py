"""What every flow begins with: the settings, the warehouse, and who runs."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.utilities.urls import url_for

from mixflows.errors import DayHeldError, FetchHeldError, WarehouseBusyError
from mixflows.model import Run
from mixflows.pipeline.context import RunContext
from mixflows.progress import Listener, listener, listening
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.warehouse import open_warehouse
from tasks.credentials import hand_over

NO_RESULTS = Path(os.devnull)
"""Where a flow's results would be stored if any were. Named, so that Prefect does not load the storage block that a user's own flows
store theirs in: it may be of a package that is not installed here."""
P = ParamSpec("P")
T = TypeVar("T")


def held_elsewhere(flow: Callable[P, T]) -> Callable[P, T | State[Any]]:
    """Lets a flow end `HeldElsewhere` where others hold the warehouse's file, its day or the fetch for longer than it waits."""

    @wraps(flow)
    def run(*args: P.args, **kwargs: P.kwargs) -> T | State[Any]:
        try:
            return flow(*args, **kwargs)
        except (WarehouseBusyError, DayHeldError, FetchHeldError) as err:
            return Failed(name="HeldElsewhere", message=str(err), data=err)

    return run


class RunLog(Listener):
    """A Listener that writes what a run waits for into its log, and tells whoever listened before."""

    def __init__(self) -> None:
        self._heard = listener()

    def waiting(self, why: str) -> None:
        """Writes it into the run's log."""
        get_run_logger().info(why)
        self._heard.waiting(why)


def settings_of(config: str | None, assignments: list[str]) -> Settings:
    """The settings of a flow run, whose page the listener is told first; from a file and `section.name=value` assignments over it.

    BigQuery's credentials are taken from the block that the settings name.

    Raises:
        SettingsError: They do not hold, or the block cannot be loaded.
    """
    # The page that prefect.runtime names is not in Prefect's UI.
    if page := url_for("flow-run", obj_id=flow_run.id):
        listener().started(page)
    settings = load_settings(Path(config) if config else None, parse_assignments(assignments))
    hand_over(settings)
    return settings


def current_run() -> Run:
    """The run in Prefect's words: its flow run id, how often it was started, and the flow."""
    return Run(str(flow_run.id or uuid4()), int(flow_run.run_count or 1), str(flow_run.flow_name or ""))


def run_context(config: str | None, assignments: list[str], *, must_exist: bool = True) -> RunContext:
    """The run with its settings and the warehouse, which is opened here and closed when the process ends.

    Where another process holds the warehouse's file, it is waited for, and the run's log says so.

    Args:
        config: The settings' file.
        assignments: Settings over it.
        must_exist: Whether the warehouse must be there already; else it is created.

    Raises:
        MixflowsError: The settings do not hold, or the warehouse cannot be opened.
    """
    return opened(settings_of(config, assignments), must_exist=must_exist)


def opened(settings: Settings, *, must_exist: bool = True) -> RunContext:
    """The run with these settings and the warehouse; see `run_context`."""
    with listening(RunLog()):
        warehouse = open_warehouse(settings, must_exist=must_exist)
    return RunContext(warehouse, settings, current_run())
