"""How much memory a long backfill takes."""

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse, command
from benchmarks.source import add_days, engine_of, settings_for

ROWS = 200_000
DAYS, FULL_DAYS = 15, 100


def answer(asked: Asked) -> Answer:
    days = FULL_DAYS if asked.full else DAYS
    path = asked.folder / "mixflows.duckdb"
    warehouse = MeteredWarehouse(settings_for(str(path)))
    execute = engine_of(warehouse)
    for first in range(0, days, 5):
        add_days(execute, first, min(5, days - first), ROWS)
    warehouse.create_tables()
    execute("CHECKPOINT")
    warehouse.close()
    source_mb = path.stat().st_size / 1e6
    backfill = command("backfill", "--no-prefect", folder=asked.folder)
    return Answer(
        f"Peak memory of the whole process of `mixflows backfill --no-prefect` over {days} days of {ROWS:,} wide events"
        f" ({days * ROWS / 1e6:.0f} million), with the settings as shipped"
        + ("." if asked.full else f"; `--full` takes {FULL_DAYS} days."),
        [Figure(f"peak of a backfill of {days * ROWS / 1e6:.0f} million events", backfill.peak_mb, 2000, "MB")],
        [
            Table(
                "The backfill",
                ("days", "source MB", "file MB after", "wall s", "CPU s", "wall s a day", "peak MB"),
                [(days, source_mb, path.stat().st_size / 1e6, backfill.wall, backfill.cpu, backfill.wall / days,
                  backfill.peak_mb)],
            )
        ],
    )  # fmt: skip
