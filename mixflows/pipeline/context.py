"""What every step of a run needs: the warehouse, the settings, and which run it is."""

from dataclasses import dataclass

from mixflows.model import Run
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse


@dataclass(frozen=True)
class RunContext:
    """One run of the pipeline on one warehouse."""

    warehouse: Warehouse
    settings: Settings
    run: Run
