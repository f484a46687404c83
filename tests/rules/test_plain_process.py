"""A run is one plain process: no import hooks, no exit around the interpreter, no collector switches, no pickles."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRICKS = re.compile(r"meta_path|LazyLoader|os\._exit|gc\.(freeze|disable|set_threshold)|pickle")


def test_the_product_starts_and_ends_without_tricks() -> None:
    rooms = ("mixflows", "flows", "tasks", "expectations", "deployments")
    files = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 80
    found = [str(path.relative_to(ROOT)) for path in files if TRICKS.search(path.read_text(encoding="utf-8"))]
    assert found == []
