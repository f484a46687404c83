"""What takes longest is begun first, before the command line itself is imported."""

import os
import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

BEGUN_FOR = ("run", "backfill")
"""The commands that it is begun for: those that take days, and are waited for."""
ENGINE = re.compile(r"\bwarehouse\.engine\s*=\s*[\"']?(\w+)")


def begin(words: Sequence[str]) -> None:
    """Starts the process that judges, if these words of the command line seem to need it; its imports take seconds.

    A guess, as the settings are not checked yet: what is started in vain ends with the command, or as soon as its settings
    are known, and what is not started here is started then.
    """
    if not words or words[0] not in BEGUN_FOR or {"--help", "--dry-run"} & set(words) or _engine(words) != "duckdb":
        return
    from expectations.elsewhere import judging_process

    with suppress(OSError):  # no process to be had: told by the command, if it needs one
        judging_process.begin()


def _engine(words: Sequence[str]) -> str:
    """The warehouse's engine by the flags, the environment and the file, in this order; where nothing names it, DuckDB."""
    flags = [found[1] for word in words if (found := ENGINE.search(word))]
    named = flags[-1] if flags else os.environ.get("MIXFLOWS_WAREHOUSE__ENGINE") or _file(words).get("engine")
    return str(named or "duckdb")


def _file(words: Sequence[str]) -> dict[str, Any]:
    """The section of the warehouse in the settings' file, as far as it can be read."""
    named = [word.removeprefix("--config=") for word in words if word.startswith("--config=")]
    named += [after for word, after in pairwise(words) if word == "--config"]
    path = Path(named[-1] if named else "mixflows.toml")
    with suppress(OSError, ValueError):
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("warehouse")
        return section if isinstance(section, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    return {}
