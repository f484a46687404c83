"""A small export: events with insert ids `i0`, `i1`, … and a line that is no event."""

import json
from pathlib import Path

LINES = 40


def write_export(path: Path) -> Path:
    """Writes it."""
    lines = [
        json.dumps({"event": "É", "properties": {"time": 1782864000 + n, "$insert_id": f"i{n}"}}) for n in range(LINES)
    ]
    path.write_text("\n".join([*lines, "no json"]) + "\n", encoding="utf-8")
    return path
