"""The benchmarks by name, and what each is asked."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import Answer

MODULES = {
    "day": "day",
    "history": "history",
    "one-more-day": "one_more_day",
    "whole-history": "whole_history",
    "seconds": "seconds",
    "backfill": "backfill",
    "landing": "landed",
    "memory": "memory",
    "gate": "gate",
    "quality": "quality",
    "startup": "startup",
    "deployed": "deployed",
    "orchestration": "orchestration",
    "analysts": "analysts",
    "soak": "soak",
    "bigquery": "bigquery",
    "on-paper": "on_paper",
}
NAMES = tuple(MODULES)
WITH_LONG = (
    "history",
    "one-more-day",
    "whole-history",
    "backfill",
    "landing",
    "memory",
    "orchestration",
    "analysts",
    "soak",
)
"""Those that `--full` makes longer; their long results stand in sections of their own."""


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        folder: Scratch space, removed afterwards.
        full: Whether the long ones run in their whole length.
        stream: A raw-export file of one's own, for the backfill.
        days: With so many days behind one more day alone; what was found with others stays.
    """

    folder: Path
    full: bool
    stream: Path | None
    days: int | None = None


def title(name: str, *, full: bool) -> str:
    """The section of a benchmark's results."""
    return f"{name}, long" if full and name in WITH_LONG else name


def ask(name: str, asked: Asked) -> Answer:
    return importlib.import_module(f"benchmarks.{MODULES[name]}").answer(asked)
