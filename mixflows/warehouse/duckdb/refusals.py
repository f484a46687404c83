"""Why an inspected file is refused by the engine that reads it; nothing of it is landed then."""

from datetime import UTC, datetime

import duckdb

from mixflows.errors import AlreadyLandedError, LandingError, MixflowsError, UsageError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Feed
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.events import LOOKS_LIKE, OUT_OF_RANGE
from mixflows.warehouse.duckdb.files import Lines
from mixflows.warehouse.duckdb.quoting import identifier

FEEDS: dict[Feed, str] = {
    "files": "files",
    "mixpanel": "Mixpanel's export API",
    "table": "a table that another program writes",
}
FEWEST_LINES_TO_WEIGH = 100
"""A file with fewer lines is an export if one of them is an event; from here on half of them must be."""


def refuse_changed(content: FileContent) -> None:
    """A file that is not the one that was inspected."""
    try:
        status = content.path.stat()
    except OSError as err:
        raise LandingError(f"{content.shown} cannot be read: {err.strerror}", "Nothing of it was landed.") from err
    if (status.st_mtime_ns, status.st_size) != content.stamp:
        raise LandingError(
            f"{content.shown} changed while it was read; nothing of it was landed", "Land it when it is complete."
        )


def refuse_other_feed(cursor: duckdb.DuckDBPyConnection, settings: Settings, feed: Feed) -> None:
    """Rows that come from elsewhere than those of the source do, by the settings or by the landing log.

    Rows that were landed from files are adopted by a feed of whole days.

    Raises:
        UsageError: They do.
    """
    known = settings.source.feed
    if known in (None, feed):
        known = _recorded_feed(cursor, settings)
        if known in (None, feed) or (known, feed) == ("files", "mixpanel"):
            return
    raise UsageError(
        f"nothing was landed: the source {settings.tables.source} is fed from {FEEDS[known]}, and not from {FEEDS[feed]}",
        "Check source.feed, or name another warehouse.path for the other feed.",
    )


def _recorded_feed(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> Feed | None:
    [(landed, fetched)] = cursor.execute(
        f"SELECT count(*), count(*) FILTER (WHERE feed = 'mixpanel') FROM {identifier(settings.tables.landings)}"
    ).fetchall()
    if landed:
        return "mixpanel" if fetched else "files"
    return None


def refuse_stale(cursor: duckdb.DuckDBPyConnection, settings: Settings, slot: str) -> None:
    """Whole days, while the source is dated in another time zone than the settings name.

    Raises:
        UsageError: It is.
    """
    [(stale,)] = cursor.execute(
        f"SELECT count(*) FROM {identifier(settings.tables.landings)} WHERE project_timezone IS DISTINCT FROM ?",
        [settings.project_timezone],
    ).fetchall()
    if stale:
        raise UsageError(
            f"{slot} is not landed: the source is dated in another time zone than {settings.project_timezone}",
            "Date it anew first, with mixflows run --accept-rules; or set project_timezone back.",
        )


def refuse_known(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> None:
    """Content that was landed before."""
    known = cursor.execute(
        f"SELECT file_name, epoch_ms(landed_at) FROM {identifier(settings.tables.landings)}"
        " WHERE content_hash = ? ORDER BY landed_at DESC LIMIT 1",
        [content.content_hash],
    ).fetchall()
    if known:
        name, landed_ms = known[0]
        landed = datetime.fromtimestamp(landed_ms / 1000, UTC)
        raise AlreadyLandedError(
            f"the content of {content.shown} was landed before, as {name} on {landed:%Y-%m-%d at %H:%M:%S} UTC",
            "Leave it, or land its copies once more with --again.",
        )


def refuse_wrong_unit(content: FileContent, lines: Lines, landing: Landing, error: type[MixflowsError]) -> None:
    """Times of which most cannot count the unit that the settings name."""
    unit = content.landing.time_unit
    reasons = dict(landing.reasons)
    wrong = reasons.get(LOOKS_LIKE[lines.time_unit], 0) + reasons.get(OUT_OF_RANGE, 0)
    if wrong > landing.source_rows:
        other = "ms" if unit == "s" else "s"
        raise error(
            f"{content.shown}: {wrong:,} of its {wrong + landing.source_rows:,} times cannot count what"
            f' landing.time_unit says ("{unit}"); nothing of it was landed',
            f'An export in the other unit? Set landing.time_unit = "{other}".',
        )


def refuse_no_export(content: FileContent, landing: Landing) -> None:
    """A file of which no line, or less than half of the lines, is an event, unless that is allowed."""
    malformed = landing.malformed_rows
    weighs = landing.lines >= FEWEST_LINES_TO_WEIGH and malformed * 2 > landing.lines
    if content.allow_malformed or not malformed or (landing.source_rows and not weighs):
        return
    reason, count = landing.reasons[0]
    recognized = content.recognized
    looks_like = f" and looks like {recognized.name}" if recognized else ""
    raise LandingError(
        f"{content.shown} is no export{looks_like}: {malformed:,} of its {landing.lines:,} lines are no events"
        f" ({count:,} times: {reason}); nothing of it was landed",
        (f"{recognized.hint} " if recognized else "")
        + "To keep its lines in the table of malformed lines all the same, land it with --allow-malformed.",
    )
