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
    "on-paper": "on_paper",
}
NAMES = tuple(MODULES)


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        folder: Scratch space, removed afterwards.
        full: Whether the long ones run in their whole length.
        stream: A raw-export file of one's own, for the backfill.
    """

    folder: Path
    full: bool
    stream: Path | None


def ask(name: str, asked: Asked) -> Answer:
    return importlib.import_module(f"benchmarks.{MODULES[name]}").answer(asked)
