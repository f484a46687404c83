"""The benchmarks: each a module with `measure`, and the sizes that it is given."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.results import Answer

LEAST = {"rows": 50, "days": 8}
"""Below these sizes, a scaled benchmark would have nothing to measure."""


@dataclass(frozen=True)
class Benchmark:
    """One part of the document.

    Attributes:
        sizes: What the module's `measure` is given; `rows` and `days` are scaled.
        long: Whether it is left to FULL=1.
    """

    name: str
    module: str
    sizes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    long: bool = False


BENCHMARKS = (
    Benchmark("day", "day", {"days": 11, "rows": 200_000}),
    Benchmark("backfill-60", "backfill", {"days": 60, "rows": 200_000, "limit": 1.4, "peak_mb": 1_700}),
    Benchmark("backfill-365", "backfill", {"days": 365, "rows": 50_000, "limit": 1.6}, long=True),
    Benchmark("small-days", "small_days", {"days": 2_000, "rows": 50}),
    Benchmark("stream", "stream"),
    Benchmark("large-day", "large_day", {"behind": 4, "rows": 2_000_000}, long=True),
    Benchmark("seconds", "seconds", {"behind": 10, "rows": 200_000}),
    Benchmark("one-more-day", "one_more_day", {"histories": (10, 50), "rows": 20_000}, long=True),
    Benchmark("one-more-day-long", "one_more_day", {"histories": (10, 50, 100), "rows": 200_000}, long=True),
    Benchmark("one-more-day-365", "one_more_day", {"histories": (10, 365), "rows": 200_000}, long=True),
    Benchmark("one-more-day-large", "one_more_day", {"histories": (10,), "rows": 2_000_000}, long=True),
    Benchmark("landing", "landing", {"rows": 500_000}),
    Benchmark("whole-days", "whole_days", {"rows": 200_000}),
    Benchmark(
        "soak", "soak", {"days": 40, "rows": 400, "column_every": 9, "late": (1, 2, 3, 5, 9, 20), "unkilled": 12}, long=True
    ),
    Benchmark(
        "soak-long", "soak",
        {"days": 730, "rows": 400, "column_every": 90, "late": (1, 2, 3, 5, 9, 30, 60), "unkilled": 180}, long=True,
    ),
    Benchmark("bigquery", "bigquery", {"histories": (7, 21), "rows": 2_000}),
    Benchmark("bigquery-year", "bigquery_year", {"days": 365, "rows": 20}, long=True),
    Benchmark("on-paper", "on_paper"),
)  # fmt: skip
NAMES = tuple(benchmark.name for benchmark in BENCHMARKS)


def measure(name: str, folder: Path, scale: float) -> Answer:
    """Runs a benchmark in a scratch folder, with a share of its rows and days."""
    (benchmark,) = (one for one in BENCHMARKS if one.name == name)
    sizes = {
        key: max(min(LEAST[key], value), round(value * scale)) if key in LEAST else value
        for key, value in benchmark.sizes.items()
    }
    return importlib.import_module(f"benchmarks.{benchmark.module}").measure(folder, **sizes)
