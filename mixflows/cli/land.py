"""What `land` does."""

from dataclasses import asdict
from pathlib import Path

from mixflows.cli.output import console, counted, number, print_json, progress_bars
from mixflows.cli.session import opened
from mixflows.errors import LandingError
from mixflows.intake.finding import find_files
from mixflows.intake.landing import Landing
from mixflows.pipeline.land import land_one


def run_land(
    config: Path | None,
    assignments: list[str] | None,
    files: list[str],
    *,
    again: bool,
    as_json: bool,
    brief: bool = False,
) -> None:
    """Lands files one after the other; a refused file does not stop the others. `brief` prints one line for all.

    Raises:
        LandingError: At least one file was refused; the others are landed.
    """
    settings, warehouse = opened(config, assignments)
    landings: list[Landing] = []
    refused: list[LandingError] = []
    with progress_bars() as bars:
        for path in find_files(files):
            try:
                landing = land_one(
                    warehouse, settings, path,
                    again=again, on_progress=lambda share, name=path.name: bars.file_progress(name, share),
                )  # fmt: skip
            except LandingError as err:
                refused.append(err)
                continue
            bars.landed(landing)
            landings.append(landing)
    if as_json:
        print_json({"landed": [asdict(landing) for landing in landings], "refused": [str(err) for err in refused]})
    elif brief:
        lines, rows = (sum(getattr(x, name) for x in landings) for name in ("lines", "source_rows"))
        console.print(
            f"{counted(len(landings), 'file')}: {counted(lines, 'line')}, {counted(rows, 'source row')},"
            f" {number(lines - rows)} malformed"
        )
    else:
        for landing in landings:
            malformed = f", {number(landing.malformed_rows)} malformed" if landing.malformed_rows else ""
            console.print(
                f"{landing.file_name}: {counted(landing.lines, 'line')}, {counted(landing.source_rows, 'source row')}"
                f" on {counted(len(landing.rows_per_day), 'day')}{malformed}"
            )
    if refused:
        raise type(refused[0])("\n".join(str(err) for err in refused))
