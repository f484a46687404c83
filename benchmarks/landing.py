"""How fast files land, and in how much memory: `python benchmarks/landing.py [--rows N] [--file FILE]`.

Prints megabytes of uncompressed JSON lines a second, from opening the warehouse to its checkpoint, and the peak memory
of the whole process, each beside a bare `CREATE TABLE AS SELECT * FROM read_json(…)` of the same file into a DuckDB
file. Both run in processes of their own. CPU seconds stand beside wall-clock seconds: on a busy machine, read those.
"""

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from mixflows.intake.content import inspect_file
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

FIRST_SECOND = 1_717_200_000
SHAPES = ("ordered", "shuffled")


def write_events(path: Path, rows: int, shape: str) -> None:
    """Events of about 400 bytes with 14 properties: three days in order, or 365 days in any order."""
    chance = random.Random(20260501)
    days = 3 if shape == "ordered" else 365
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            place = i / rows if shape == "ordered" else chance.random()
            second = FIRST_SECOND + int(place * days * 86_400)
            properties = {
                "time": second,
                "distinct_id": f"{chance.getrandbits(64):016x}",
                "$insert_id": f"{chance.getrandbits(144):036x}",
                "mp_processing_time_ms": second * 1000 + chance.randrange(9_000_000),
                "$os": chance.choice(["Windows", "Mac OS X", "iOS", "Android"]),
                "$browser": chance.choice(["Chrome", "Safari", "Firefox"]),
                "$city": chance.choice(["Berlin", "Lyon", "Austin", "Osaka"]),
                "mp_country_code": chance.choice(["DE", "FR", "US", "JP"]),
                "$screen_width": chance.choice([390, 1440, 1920]),
                "page": chance.choice(["/", "/pricing", "/docs/start", "/blog/how-to", "/login"]),
                "customer_id": f"c{chance.randrange(20_000):06}",
                "amount": round(chance.random() * 100, 2),
                "session": f"{chance.getrandbits(128):032x}",
                "plan": chance.choice(["free", "pro", "team"]),
            }
            event = chance.choice(["page_view", "sign_up", "purchase"])
            file.write(json.dumps({"event": event, "properties": properties}, separators=(",", ":")) + "\n")


def land(path: Path, folder: Path) -> None:
    """Lands the file as `mixflows land` does."""
    settings = Settings.model_validate({"warehouse": {"path": folder / "landed.duckdb"}})
    warehouse = DuckDBWarehouse(settings)
    landing = warehouse.land(inspect_file(path, settings.landing), again=False, landed_at=datetime.now(UTC))
    assert landing.lines == landing.source_rows
    warehouse.close()


def bare(path: Path, folder: Path) -> None:
    """The least that a table of the file's content costs."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "1GB",
        "preserve_insertion_order": "false",
    }
    with duckdb.connect(str(folder / "bare.duckdb"), config=config) as connection:
        read = "read_json($file, format = 'newline_delimited')"
        connection.execute(f"CREATE TABLE bare AS SELECT * FROM {read}", {"file": str(path)})


WAYS = {"land": land, "bare": bare}


def measured(way: str, path: Path) -> dict[str, float]:
    """Runs one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def run_one(way: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        started, cpu_before = time.perf_counter(), time.process_time()
        WAYS[way](path, Path(folder))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_before
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb}))


def compare(title: str, path: Path) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        megabytes = sum(len(block) for block in iter(lambda: file.read(1 << 22), b"")) / 1e6
    results = {way: measured(way, path) for way in WAYS}
    for way, result in results.items():
        print(
            f"{title:<10} {way:<5} {megabytes:7.0f} MB {result['seconds']:7.2f} s {result['cpu']:7.2f} CPU s"
            f" {megabytes / result['seconds']:6.0f} MB/s {result['peak_mb']:6.0f} MB peak"
        )
    time_ratio, cpu_ratio, memory_ratio = (
        results["land"][key] / results["bare"][key] for key in ("seconds", "cpu", "peak_mb")
    )
    print(f"{title:<10} land : bare = {time_ratio:.2f} time, {cpu_ratio:.2f} CPU, {memory_ratio:.2f} memory")


def main() -> None:
    arguments = argparse.ArgumentParser(description="How fast files land, and in how much memory.")
    arguments.add_argument("--rows", type=int, default=1_000_000, help="events of each generated file")
    arguments.add_argument("--file", type=Path, help="a file of your own instead")
    arguments.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.way:
        run_one(chosen.way, chosen.file)
    elif chosen.file:
        compare(chosen.file.name[:10], chosen.file)
    else:
        with tempfile.TemporaryDirectory() as folder:
            for shape in SHAPES:
                path = Path(folder) / f"{shape}.jsonl"
                write_events(path, chosen.rows, shape)
                compare(shape, path)
                path.unlink()


if __name__ == "__main__":
    main()
