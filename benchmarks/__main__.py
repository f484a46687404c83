"""Runs the benchmarks and writes docs/benchmarks.md: `python -m benchmarks [--full] [--only NAME] [--stream FILE]`."""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import answers
from benchmarks.asking import NAMES, Asked, ask, title


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures mixflows; ends with 1 where a figure is missed."
    )
    parser.add_argument("--full", action="store_true", help="the long ones too: hours, and 60 GB of disk")
    parser.add_argument("--only", choices=NAMES, action="append", help="only this one; repeatable")
    parser.add_argument("--stream", type=Path, help="a raw-export file of many days, to land and backfill besides")
    parser.add_argument("--days", type=int, help="only with so many days behind one-more-day; the others stay")
    parser.add_argument("--folder", type=Path, help="where to put scratch files; by default the system's folder")
    words = parser.parse_args()
    stream = words.stream.resolve() if words.stream else None
    asked_for = "make bench" if len(sys.argv) == 1 else " ".join(["python -m benchmarks", *_public(words)])
    begun = time.perf_counter()
    missed: list[str] = []
    for name in words.only or NAMES:
        print(f"{name} …", flush=True)
        started = time.perf_counter()
        # A process of its own for each, so that nobody inherits memory, imports or an open warehouse.
        with (
            tempfile.TemporaryDirectory(dir=words.folder, prefix="mixflows-bench-") as folder,
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        ):
            answer = pool.submit(ask, name, Asked(Path(folder), words.full, stream, words.days)).result()
        section = title(name, full=words.full)
        part = answers.section(section, answer, asked_for, time.perf_counter() - started)
        print(part, flush=True)
        missed += [f"{section}: {figure.name}" for figure in answer.figures if not figure.met]
        answers.write({section: part}, [title(name, full=full) for name in NAMES for full in (False, True)])
    print(f"All in {time.perf_counter() - begun:,.0f} s.")
    if missed:
        sys.exit("\n".join(["Missed:", *missed]))


def _public(words: argparse.Namespace) -> list[str]:
    shown = ["--full"] if words.full else []
    shown += [word for name in words.only or () for word in ("--only", name)]
    shown += ["--days", str(words.days)] if words.days else []
    return shown + (["--stream FILE"] if words.stream else [])


if __name__ == "__main__":
    main()
