"""How fast files land, as a benchmark among the others; `benchmarks.landing` measures."""

from benchmarks import landing
from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked


def answer(asked: Asked) -> Answer:
    rows = 1_000_000 if asked.full else 500_000
    found: list[tuple[str, str, float, float, float, float, float]] = []
    figures: list[Figure] = []
    for shape in landing.SHAPES:
        path = asked.folder / f"{shape}.jsonl"
        landing.write_events(path, rows, shape)
        megabytes = path.stat().st_size / 1e6
        results = {way: landing.measured(way, path) for way in landing.WAYS}
        for way, r in results.items():
            found.append(
                (shape, way, r["seconds"], r["cpu"], megabytes / r["seconds"], megabytes / r["cpu"], r["peak_mb"])
            )
        figures.append(Figure(f"seconds for 60 MB, {shape}", 60 * results["land"]["seconds"] / megabytes, 1, "s"))
        path.unlink()
    return Answer(
        f"Landing a file of {rows:,} events of about 400 bytes (in order of time, or over 365 days in any order), from"
        " opening the warehouse to its checkpoint, beside a bare `CREATE TABLE AS SELECT * FROM read_json(…)` of it.",
        figures,
        [
            Table(
                "Each in a process of its own",
                ("file", "way", "wall s", "CPU s", "MB a s", "MB a CPU s", "peak MB"),
                found,
            )
        ],
    )
