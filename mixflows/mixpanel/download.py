"""Complete files of days: tries, ranges that Mixpanel cuts off, and how a file becomes complete."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from mixflows.days import days_words
from mixflows.errors import FetchError, LandingError, TerminatedEarlyError
from mixflows.intake.content import FileContent, inspect_file
from mixflows.mixpanel.client import Body, ExportClient, PassingError
from mixflows.mixpanel.clock import Clock
from mixflows.mixpanel.memory import cannot_write
from mixflows.settings import LandingSettings

TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between tries, doubled each time, with up to as many seconds of chance as the first pause has."""


@dataclass(frozen=True)
class Download:
    """A complete file of consecutive days.

    Attributes:
        asked_at: When the query that gave it was sent, in seconds since 1970, UTC.
        bytes: Its size as it was sent.
        content: What inspecting it found.
    """

    first_day: date
    last_day: date
    asked_at: float
    bytes: int
    content: FileContent

    @property
    def file(self) -> Path:
        """The file."""
        return self.content.path

    @property
    def lines(self) -> int:
        """Lines that are not blank."""
        return self.content.lines or 0


@dataclass(frozen=True)
class FailedDownload:
    """Days that could not be downloaded, and why, in one clause."""

    first_day: date
    last_day: date
    asked_at: float
    error: str


class Downloader:
    """Downloads days into a folder; each file there under its own name is complete.

    Args:
        client: Sends the queries.
        folder: Where the files go. What an earlier process left there is removed.
        landing: How the lines are read.
        clock: Waits between tries.
    """

    def __init__(self, client: ExportClient, folder: Path, landing: LandingSettings, clock: Clock) -> None:
        self._client, self._folder, self._landing, self._clock = client, folder, landing, clock
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.iterdir():
                left.unlink()
        except OSError as err:
            raise cannot_write(folder, err.strerror) from err

    def downloads(self, first_day: date, last_day: date) -> Iterator[Download | FailedDownload]:
        """Downloads a range, in smaller ones where Mixpanel cuts it off, each as soon as the one before is consumed.

        Raises:
            MixflowsError: Mixpanel refuses what every other query would ask for too, or a file cannot be written.
            StoppedError: The work was stopped.
        """
        try:
            try:
                yield self._with_tries(first_day, last_day)
            except TerminatedEarlyError:
                yield self._with_tries(first_day, last_day)
        except TerminatedEarlyError:
            if first_day == last_day:
                yield self._failed(first_day, last_day, "Mixpanel cut the export off twice (`terminated early`)")
                return
            middle = first_day + (last_day - first_day) // 2
            yield from self.downloads(first_day, middle)
            yield from self.downloads(middle + timedelta(days=1), last_day)
        except PassingError as err:
            yield self._failed(first_day, last_day, f"{err}, {TRIES} times")

    def _failed(self, first_day: date, last_day: date, why: str) -> FailedDownload:
        return FailedDownload(first_day, last_day, self._clock.now(), why)

    def _with_tries(self, first_day: date, last_day: date) -> Download:
        days = days_words(first_day, last_day)
        tries = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE) + wait_random(0, FIRST_PAUSE),
            retry=retry_if_exception_type(PassingError),
            sleep=lambda seconds: self._clock.wait_for(f"to ask for {days} again after a fault", seconds),
            reraise=True,
        )
        return tries(self._try, first_day, last_day)

    def _try(self, first_day: date, last_day: date) -> Download:
        part = self._folder / f"{days_words(first_day, last_day)}.part"
        try:
            body = self._client.export(first_day, last_day, part)
            content = self._inspected(part, body, first_day, last_day)
            file = part.with_suffix(".jsonl.gz" if body.is_gzip else ".jsonl")
            part.replace(file)
        except OSError as err:
            raise cannot_write(self._folder, err.strerror) from err
        finally:
            part.unlink(missing_ok=True)
        return Download(first_day, last_day, body.asked_at, body.bytes, replace(content, path=file))

    def _inspected(self, part: Path, body: Body, first_day: date, last_day: date) -> FileContent:
        """Inspects a body, which must be complete.

        Raises:
            TerminatedEarlyError: Mixpanel cut it off and says so.
            PassingError: It is cut off or damaged otherwise.
            FetchError: It is a page, or an error in JSON.
        """
        try:
            content = inspect_file(part, self._landing)
        except TerminatedEarlyError:
            raise
        except LandingError as err:
            raise PassingError("the body was cut off or is damaged") from err
        if body.is_gzip and not content.gzipped:
            raise PassingError("the body is not the gzip that it is said to be")
        if content.recognized is not None and content.recognized.is_answer:
            raise FetchError(
                f"the answer for {days_words(first_day, last_day)} is {content.recognized.name}, not events;"
                " nothing of it was landed",
                "Look at mixpanel.api_url and at proxies between here and Mixpanel, then run the same command.",
            )
        if not (body.is_gzip or body.ends_with_line_feed):
            raise PassingError("the body was cut off inside its last line")
        return content
