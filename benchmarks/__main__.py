"""Runs the benchmarks and writes docs/benchmarks.md: `python -m benchmarks [--full] [--only NAME]`."""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import results
from benchmarks.registry import BENCHMARKS, NAMES, measure


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures mixflows; ends with 1 if a limit is missed."
    )
    parser.add_argument("--full", action="store_true", help="the long ones too: hours, and 60 GB of disk")
    parser.add_argument(
        "--only", choices=NAMES, action="append", metavar="NAME", help=f"{', '.join(NAMES)}; repeatable"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the days and rows, to try a benchmark out")
    parser.add_argument("--document", type=Path, default=results.DOCUMENT, help="the file to write")
    words = parser.parse_args()
    if words.scale != 1 and words.document == results.DOCUMENT:
        words.document = None
    names = words.only or [benchmark.name for benchmark in BENCHMARKS if words.full or not benchmark.long]
    command = " ".join(["python -m benchmarks", *(f"--only {name}" for name in words.only or ())])
    command = command if words.only else "make bench FULL=1" if words.full else "make bench"
    begun = time.perf_counter()
    missed: list[str] = []
    for name in names:
        print(f"{name} …", flush=True)
        started = time.perf_counter()
        # A process of its own for each, so that none inherits memory, imports or an open warehouse.
        with (
            tempfile.TemporaryDirectory(prefix="mixflows-bench-") as folder,
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        ):
            answer = pool.submit(measure, name, Path(folder), words.scale).result()
        part = results.section(name, answer, command, time.perf_counter() - started)
        print(part, flush=True)
        missed += [f"{name}: {figure.what}" for figure in answer.figures if not figure.met]
        if words.document is not None:
            results.write({name: part}, answer.plots, NAMES, words.document)
    print(f"All in {time.perf_counter() - begun:,.0f} s.")
    if missed and words.scale == 1:
        sys.exit("\n".join(["Missed:", *missed]))


if __name__ == "__main__":
    main()
