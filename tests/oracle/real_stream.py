"""The real stream as copies: 118,766 real events with real re-deliveries, kept beside the repository, not in it."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

STREAM = Path(__file__).parents[3] / "shared" / "data" / "git_events" / "delta.jsonl.gz"


def read_lines() -> list[str]:
    """Its lines; skips the test where it is not there."""
    if not STREAM.is_file():
        pytest.skip(f"the real stream is not at {STREAM}")
    with gzip.open(STREAM, "rt", encoding="utf-8") as lines:
        return list(lines)


def expected() -> dict[str, Any]:
    """What is known of it."""
    return json.loads((STREAM.parent / "EXPECTED.json").read_text())


def day_of(line: str) -> date:
    """The UTC day of a line's event."""
    return datetime.fromtimestamp(json.loads(line)["properties"]["time"], UTC).date()
