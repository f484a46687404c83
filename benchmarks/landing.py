"""How fast files land, and in how much memory, beside a bare read of the file."""

import json
import random
import sys
from pathlib import Path

from benchmarks.results import Answer, Figure, Table
from benchmarks.timed_run import command, process

FIRST_SECOND = 1_717_200_000
SHAPES = {"ordered": 3, "shuffled": 365}
"""Days that a file's events are of."""
BARE = """
import duckdb, sys
with duckdb.connect("bare.duckdb", config={"memory_limit": "1GB", "preserve_insertion_order": "false"}) as connection:
    connection.execute("CREATE TABLE bare AS SELECT * FROM read_json($1, format = 'newline_delimited')", [sys.argv[1]])
"""
BARE_READ = "bare read_json"


def measure(folder: Path, rows: int) -> Answer:
    found: list[tuple[str | float, ...]] = []
    figures: list[Figure] = []
    one = folder / "one.jsonl"
    write_events(one, 1)
    for shape, days in SHAPES.items():
        path = folder / f"{shape}.jsonl"
        write_events(path, rows, days, in_order=shape == "ordered")
        megabytes = path.stat().st_size / 1e6
        homes = {way: folder / f"{shape}-{way}" for way in ("land", "one", "bare")}
        for home in homes.values():
            home.mkdir()
        empty = command("land", str(one), folder=homes["one"])
        landed = command("land", str(path), folder=homes["land"])
        bare = process([sys.executable, "-c", BARE, str(path)], homes["bare"])
        seconds = landed.wall - empty.wall
        found += [
            (shape, way, s.wall, s.cpu, megabytes / s.wall, s.peak_mb)
            for way, s in (("mixflows land", landed), ("mixflows land of one line", empty), (BARE_READ, bare))
        ]
        figures.append(
            Figure(
                f"landing 60 MB, {shape}", 60 * seconds / megabytes, 1, "s",
                beside=f"{60 * bare.wall / megabytes:.2g} s by a {BARE_READ}",
            )
        )  # fmt: skip
    return Answer(
        f"`mixflows land` of a file of {rows:,} events of about 400 bytes (in order of time, or over 365 days in any order), less"
        " the same command on one line, beside a `CREATE TABLE AS SELECT * FROM read_json(…)` of the file.",
        figures,
        [Table("Each in a process of its own", ("file", "way", "wall s", "CPU s", "MB a s", "peak MB"), found)],
    )


def write_events(path: Path, rows: int, days: int = 1, *, in_order: bool = True) -> None:
    """Events of about 400 bytes with 14 properties."""
    chance = random.Random(20260501)
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            place = i / rows if in_order else chance.random()
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
