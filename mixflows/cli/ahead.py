"""What takes longest is begun first, before the command line itself is imported."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

JUDGING = ("run", "backfill")
"""The commands that judge days."""
ELSEWHERE = "bigquery"
"""The word of those whose days are judged in the command's own process."""


def begin(words: Sequence[str]) -> None:
    """Starts the process that judges where these words of the command line seem to need it; its imports take seconds.

    A guess, as no setting is read yet. What is started in vain costs the other core half a second at most; what is not
    started here is started when the settings are known.
    """
    if not words or words[0] not in JUDGING or {"--help", "--dry-run"} & set(words):
        return
    if any(ELSEWHERE in told for told in _told(words)):
        return
    from expectations.elsewhere import judging_process

    judging_process.begin()


def _told(words: Sequence[str]) -> Iterable[str]:
    yield from words
    yield os.environ.get("MIXFLOWS_WAREHOUSE__ENGINE", "")
    named = [word.removeprefix("--config=") for word in words if word.endswith(".toml")]
    for file in named or ["mixflows.toml"]:
        with suppress(OSError, UnicodeDecodeError):
            yield Path(file).read_text(encoding="utf-8")
