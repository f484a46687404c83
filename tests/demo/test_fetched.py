"""`mixflows demo --fetch`: the counts of events that were fetched, restated by Mixpanel, and fetched again."""

from datetime import date
from pathlib import Path

import pytest

from mixflows.cli.demo import run_demo
from mixflows.demo.story import DemoSpec
from mixflows.warehouse import close_warehouses


def test_what_was_fetched_twice_has_the_generators_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = DemoSpec(seed=5, days=10, events=9_000, last_day=date(2026, 7, 1))
    code = run_demo(tmp_path / "demo", spec, fetches=True, use_prefect=False, verbose=False)
    close_warehouses()
    out = capsys.readouterr().out
    assert (code, out.count(" agree"), out.count("DIFFER")) == (0, 11, 0), out
    assert (tmp_path / "demo" / "report.html").is_file()
