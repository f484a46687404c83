"""The benchmarks by name, and what each is asked."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import Answer

NAMES = ("day", "history", "backfill", "landing", "memory", "gate", "startup", "deployed", "orchestration")
MODULES = {"landing": "benchmarks.landed"}


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
    return importlib.import_module(MODULES.get(name, f"benchmarks.{name}")).answer(asked)
