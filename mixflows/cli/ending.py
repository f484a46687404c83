"""The end of the process: what was registered is called, and the interpreter's own tidying up is left out.

After Prefect and Great Expectations that takes a second, for memory that the system takes back at once.
"""

import atexit
import os
import sys
from contextlib import suppress

_codes: list[int] = []


def ends_with(code: int) -> None:
    """Says the process's exit code."""
    _codes.append(code)


@atexit.register  # what is registered first is called last
def _end() -> None:
    if not _codes:
        return
    # What cannot be written is the interpreter's to tell.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_codes[-1])
