"""What DuckDB knows of a file before and after it reads it, to refuse it; nothing of it is landed then."""

from datetime import UTC

import duckdb

from mixflows.errors import LandingError, MixflowsError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.refusals import LandedBefore
from mixflows.intake.slots import Delivery
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.duckdb.events import LOOKS_LIKE, OUT_OF_RANGE
from mixflows.warehouse.duckdb.files import Lines
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.slots import bounds


def landed_before(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> LandedBefore:
    """What the landing log says before a file is landed."""
    [(landings, fetched, stale, last, known_as, known_at)] = cursor.execute(
        f"""SELECT count(*), count(*) FILTER (feed = 'mixpanel'), count(*) FILTER (project_timezone IS DISTINCT FROM $zone),
          max(landed_at), max_by(file_name, landed_at) FILTER (content_hash = $content_hash),
          max(landed_at) FILTER (content_hash = $content_hash)
        FROM {identifier(settings.tables.landings)}""",
        {"zone": settings.project_timezone, "content_hash": content.content_hash},
    ).fetchall()
    last, known_at = (at and at.astimezone(UTC) for at in (last, known_at))
    return LandedBefore(int(landings), int(fetched), int(stale), last, known_as, known_at)


def refuse_wrong_unit(content: FileContent, lines: Lines, landing: Landing, error: type[MixflowsError]) -> None:
    """Times of which most cannot count the unit that the settings name."""
    unit = content.landing.time_unit
    reasons = dict(landing.reasons)
    wrong = reasons.get(LOOKS_LIKE[lines.time_unit], 0) + reasons.get(OUT_OF_RANGE, 0)
    if wrong > landing.source_rows:
        other = "ms" if unit == "s" else "s"
        raise error(
            f"{content.shown}: {wrong:,} of its {counted(wrong + landing.source_rows, 'time')} cannot count what"
            f' landing.time_unit says ("{unit}"); nothing of it was landed',
            f'An export in the other unit? Set landing.time_unit = "{other}".',
        )


def refuse_outside(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, delivery: Delivery, landing: Landing, table: str
) -> None:
    """Refuses a delivery with rows of other days.

    Args:
        table: Has its rows.

    Raises:
        LandingError: It has some.
    """
    time = identifier(settings.columns.time)
    [(rows, first, last)] = cursor.execute(
        f"SELECT count(*), min({time}), max({time}) FROM {identifier(table)} WHERE NOT ({time} >= ? AND {time} < ?)",
        bounds(settings, delivery),
    ).fetchall()
    if rows:
        zone = settings.export_zone
        first, last = (at.astimezone(zone) for at in (first, last))
        raise LandingError(
            f"{delivery.slot}: {counted(rows, 'row')} of {landing.source_rows:,} outside {delivery}, from"
            f" {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} ({zone.key}); nothing of it was landed",
            "Name the days that the file really holds, or export exactly these days.",
        )
