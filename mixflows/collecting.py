"""The garbage collector in a process that imports much: what imports make stays, and need not be looked through."""

import gc
from collections.abc import Generator
from contextlib import contextmanager

MANY_OBJECTS = 20_000
"""New objects between two collections, for 700."""


def collect_seldom() -> None:
    """Lets a command's process collect once in many objects."""
    gc.set_threshold(MANY_OBJECTS)


@contextmanager
def importing() -> Generator[None]:
    """Nothing is collected while modules are imported, and what they made is left out of every later collection."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
