"""What `mixflows land` does."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mixflows.cli.output import console, number, print_json, progress_bars
from mixflows.cli.session import opened
from mixflows.errors import AlreadyLandedError, LandingError, WarehouseError
from mixflows.intake.finding import FoundFiles, find_files
from mixflows.intake.landing import Landing, passed_over_words
from mixflows.pipeline.land import land_one
from mixflows.text import counted, plain

SHOWN_REASONS = 3


def run_land(
    config: Path | None,
    assignments: list[str] | None,
    files: list[str],
    *,
    again: bool,
    as_json: bool,
    allow_malformed: bool = False,
    brief: bool = False,
) -> None:
    """Lands files one after the other; a refused file does not stop the others. `brief` prints one line for all.

    Raises:
        LandingError: At least one file was refused; the others are landed.
        WarehouseError: The warehouse could not take a file; the files before it are landed.
    """
    settings, warehouse = opened(config, assignments)
    found = find_files(files)
    landings: list[Landing] = []
    known: list[str] = []
    refused: list[LandingError] = []
    stopped: WarehouseError | None = None
    with progress_bars() as bars:
        for path in found.files:
            name = plain(path.name)
            try:
                landing = land_one(
                    warehouse, settings, path, again=again, allow_malformed=allow_malformed,
                    on_progress=lambda share, name=name: bars.file_progress(name, share),
                )  # fmt: skip
            except LandingError as err:
                if isinstance(err, AlreadyLandedError) and not found.is_alone:
                    known.append(plain(path))
                else:
                    refused.append(err)
                continue
            except WarehouseError as err:
                stopped = err
                break
            bars.landed(landing)
            landings.append(landing)
    if as_json:
        print_json(
            {
                "landed": [asdict(landing) for landing in landings],
                "landed_before": known,
                "passed_over": found.passed_over,
                "refused": [str(err) for err in refused],
            }
        )
    else:
        _print(landings, len(known), found, brief=brief)
    if stopped is not None:
        raise type(stopped)("\n".join([*map(str, refused), stopped.message]), stopped.hint)
    if refused:
        raise type(refused[0])("\n".join(map(str, refused)))


def _print(landings: Sequence[Landing], known: int, found: FoundFiles, *, brief: bool) -> None:
    if brief:
        lines, rows = (sum(getattr(x, name) for x in landings) for name in ("lines", "source_rows"))
        malformed = sum(landing.malformed_rows for landing in landings)
        console.print(
            f"{counted(len(landings), 'file')}: {counted(lines, 'line')}, {counted(rows, 'source row')},"
            f" {number(malformed)} malformed"
        )
        return
    for landing in landings:
        console.print(_summary(landing))
        if landing.is_restamped:
            console.print(
                f"{landing.file_name}: {landing.restamped_rows:,} of {landing.sampled_rows:,} sampled rows were landed"
                " before with the same insert id and a time less than a second away, as when one export counts seconds"
                " and another one milliseconds. A key that contains the time takes them for other events; land one of"
                ' the two exports only, or use pipeline.key = "mixpanel_day".'
            )
    if known:
        console.print(f"{counted(known, 'file')} landed before: skipped.")
    if found.passed_over:
        console.print(passed_over_words(found.passed_over))


def _summary(landing: Landing) -> str:
    parts = [
        counted(landing.lines, "line"),
        f"{counted(landing.source_rows, 'source row')} on {counted(sum(day is not None for day, _ in landing.rows_per_day), 'day')}",
    ]
    if landing.malformed_rows:
        reasons = [f"{number(rows)} {reason}" for reason, rows in landing.reasons[:SHOWN_REASONS]]
        others = landing.malformed_rows - sum(rows for _, rows in landing.reasons[:SHOWN_REASONS])
        reasons += [f"{number(others)} others"] if others else []
        parts.append(f"{number(landing.malformed_rows)} malformed ({'; '.join(reasons)})")
    if landing.joined_rows:
        parts.append(f"{number(landing.joined_rows)} joined with the line before")
    if landing.dropped_fields:
        parts.append(f"{counted(landing.dropped_fields, 'field')} beside properties dropped: the name is not free")
    return f"{landing.file_name}: {', '.join(parts)}"
