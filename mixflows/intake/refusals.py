"""Why an inspected file is refused, whatever the engine; nothing of it is landed then."""

from dataclasses import dataclass
from datetime import datetime

from mixflows.errors import AlreadyLandedError, LandingError, UsageError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Feed
from mixflows.settings import Settings
from mixflows.text import counted

FEEDS: dict[Feed, str] = {
    "files": "files",
    "mixpanel": "Mixpanel's export API",
    "table": "a table that another program writes",
}
FEWEST_LINES_TO_WEIGH = 100
"""A file with fewer lines is an export if one of them is an event; from here on half of them must be."""


@dataclass(frozen=True)
class LandedBefore:
    """What the landing log says before a file is landed.

    Attributes:
        landings: Its rows.
        fetched: Those of whole days from Mixpanel's export API.
        stale: Those whose days are in another time zone than the settings name.
        last_landed_at: The latest; None where there is none.
        known_as: The name of the file that had this content, landed latest; None where none had.
        known_at: When that was landed.
    """

    landings: int
    fetched: int
    stale: int
    last_landed_at: datetime | None
    known_as: str | None
    known_at: datetime | None

    @property
    def feed(self) -> Feed | None:
        """Where the landed rows come from; None where nothing was landed."""
        if self.landings:
            return "mixpanel" if self.fetched else "files"
        return None


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


def refuse_other_feed(settings: Settings, before: LandedBefore, feed: Feed) -> None:
    """Rows that come from elsewhere than those of the source do, by the settings or by the landing log.

    Rows that were landed from files are adopted by a feed of whole days.

    Raises:
        UsageError: They do.
    """
    known = settings.source.feed
    if known in (None, feed):
        known = before.feed
        if known in (None, feed) or (known, feed) == ("files", "mixpanel"):
            return
    other = "bigquery.dataset" if settings.warehouse.engine == "bigquery" else "warehouse.path"
    raise UsageError(
        f"nothing was landed: the source {settings.tables.source} is fed from {FEEDS[known]}, and not from {FEEDS[feed]}",
        f"Check source.feed, or name another {other} for the other feed.",
    )


def refuse_stale(settings: Settings, before: LandedBefore, slot: str) -> None:
    """Whole days, while the source is dated in another time zone than the settings name.

    Raises:
        UsageError: It is.
    """
    if before.stale:
        raise UsageError(
            f"{slot} is not landed: the source is dated in another time zone than {settings.project_timezone}",
            "Date it anew first, with mixflows run --accept-rules; or set project_timezone back.",
        )


def refuse_known(content: FileContent, before: LandedBefore) -> None:
    """Content that was landed before."""
    if before.known_at is not None:
        raise AlreadyLandedError(
            f"the content of {content.shown} was landed before, as {before.known_as} on"
            f" {before.known_at:%Y-%m-%d at %H:%M:%S} UTC",
            "Leave it, or land its copies once more with --again.",
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
        f"{content.shown} is no export{looks_like}: {counted(malformed, 'line')} of {landing.lines:,} cannot be read as events"
        f" ({counted(count, 'time')}: {reason}); nothing of it was landed",
        (f"{recognized.hint} " if recognized else "")
        + "To keep its lines in the table of malformed lines all the same, land it with --allow-malformed.",
    )
