"""Fetching days from Mixpanel into the source: what is due, downloads side by side, landings one after the other."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mixflows.days import DayRange, days_words, each_day
from mixflows.errors import (
    FetchError,
    LandingError,
    MissingTableError,
    MixflowsError,
    OutdatedTableError,
    SettingsError,
    ShrunkError,
    UsageError,
    WarehouseError,
)
from mixflows.intake.refusals import LandedBefore, refuse_other_feed, refuse_stale
from mixflows.intake.slots import Delivery, Superseded
from mixflows.mixpanel.client import ExportClient
from mixflows.mixpanel.clock import Clock, StoppedError
from mixflows.mixpanel.download import Download, Downloader, FailedDownload
from mixflows.mixpanel.due import PlannedFetch, due, in_queries, requested
from mixflows.mixpanel.limiter import Limiter
from mixflows.mixpanel.memory import Fetch, Memory, cannot_write
from mixflows.pipeline.land import supersede
from mixflows.settings import Settings
from mixflows.warehouse import borrowed

POLL_SECONDS = 0.5
NOT_LOOKED = LandedBefore(0, 0, 0, None, None, None)
"""No landing: what the settings alone refuse is said before the warehouse is opened."""


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch would ask for.

    Attributes:
        queries: In their order; each is a query of the hour's.
        used: Queries of the last hour.
        per_hour: `fetch.queries_per_hour`.
        accept_shrink: Days that may lose events.
    """

    queries: tuple[PlannedFetch, ...]
    used: int
    per_hour: int
    accept_shrink: frozenset[date] = frozenset()

    @property
    def days(self) -> int:
        """Days of all queries."""
        return sum(query.days for query in self.queries)

    @property
    def hours(self) -> int:
        """For how long at least the limit stretches the queries."""
        beyond = len(self.queries) - max(0, self.per_hour - self.used)
        return max(0, -(-beyond // self.per_hour))


@dataclass(frozen=True)
class FetchedDays:
    """What became of consecutive days. `error` is one sentence, where there is one; `shrunk_days` lost events, which needs a word."""

    first_day: date
    last_day: date
    reason: str
    status: str
    superseded: Superseded | None = None
    error: str = ""
    shrunk_days: tuple[date, ...] = ()

    def __str__(self) -> str:
        return days_words(self.first_day, self.last_day)


def plan_fetch(
    settings: Settings, days: DayRange | None, clock: Clock, accept_shrink: frozenset[date] = frozenset()
) -> FetchPlan:
    """Plans a fetch. Holds the warehouse for the moment in which its log is read; asks Mixpanel nothing.

    Args:
        days: All of these days, whatever is due; None for what is due.
        clock: Says what time it is.
        accept_shrink: Days of the plan that may lose events.

    Raises:
        UsageError: A setting is missing, the source is fed from elsewhere or is dated in another time zone, no day is named to begin
            with, a day is not ready, or a day that may lose events is not among those that are fetched.
        OutputError: `fetch.folder` cannot be written.
    """
    project = _project(settings)
    memory = Memory(settings.fetch.folder, project)
    now, zone = datetime.fromtimestamp(clock.now(), UTC), settings.export_zone
    first_day = settings.mixpanel.first_day
    fetched = _fetched(settings, memory)
    again = settings.fetch.again_after_days
    wanted = requested(days, first_day, now, zone) if days else due(first_day, now, fetched, again, zone)
    if others := sorted(accept_shrink - wanted.keys()):
        raise UsageError(
            f"--accept-shrink {others[0]} is none of the days that are fetched",
            "Name the days to fetch with --start and --end; without them, those that are due are fetched.",
        )
    limiter = Limiter(memory, settings.fetch.queries_per_hour, clock)
    queries = in_queries(wanted, settings.fetch.days_per_query)
    return FetchPlan(queries, limiter.used(), settings.fetch.queries_per_hour, accept_shrink)


def fetch(
    settings: Settings,
    plan: FetchPlan,
    clock: Clock,
    on_days: Callable[[FetchedDays], None],
) -> list[FetchedDays]:
    """Downloads and lands the days of a plan. The warehouse is held while a complete file is landed, and only then.

    Days that fail do not stop the others. Killed at any moment, landed days are done and the others are still due.

    Args:
        on_days: Told what became of each range of days, as soon as it is known.

    Raises:
        UsageError: A setting or the secret is missing, or Mixpanel refuses it.
        FetchError: Mixpanel refuses every query, or another process fetches the project.
        OutputError: A file cannot be written.
        WarehouseError: The warehouse could not take a file.
    """
    project = _project(settings)
    memory = Memory(settings.fetch.folder, project)
    limiter = Limiter(memory, settings.fetch.queries_per_hour, clock)
    results: list[FetchedDays] = []
    with memory.alone(), _client(settings, limiter, clock) as client:
        folder = settings.fetch.folder / str(project)
        downloader = Downloader(client, folder / "incoming", settings.landing, clock)
        for reason, download in _side_by_side(plan.queries, downloader, settings.fetch.concurrency, clock):
            result = _land(settings, download, reason, plan.accept_shrink)
            memory.remember(_logged(result, download))
            if isinstance(download, Download):
                _put_away(download.file, folder if settings.fetch.keep_files else None)
            results.append(result)
            on_days(result)
    return results


def fetch_due(
    settings: Settings,
    with_secret: Callable[[Settings], Settings],
    clock: Clock,
    on_days: Callable[[FetchedDays], None],
) -> tuple[MixflowsError, ...]:
    """Fetches what is due before a run, which goes on without the days that could not be fetched.

    Args:
        with_secret: Gives the settings the secret; called only where a day is due.
        on_days: As for `fetch`.

    Returns:
        Why days were not fetched.

    Raises:
        MixflowsError: Days were not fetched, and nothing has been landed yet.
        WarehouseError: The warehouse could not take a file.
    """
    errors: list[MixflowsError] = []

    def heard(done: FetchedDays) -> None:
        if done.error:
            errors.append(FetchError(f"{done}: {' '.join(done.error.split())}"))
        on_days(done)

    try:
        plan = plan_fetch(settings, None, clock)
        if plan.queries:
            fetch(with_secret(settings), plan, clock, heard)
    except WarehouseError:
        raise
    except MixflowsError as err:
        errors.append(err)
    if errors:
        try:
            with borrowed(settings, must_exist=True) as warehouse:
                warehouse.source()
        except MissingTableError:
            raise errors[0] from None
    return tuple(errors)


def _project(settings: Settings) -> int:
    refuse_other_feed(settings, NOT_LOOKED, "mixpanel")
    if settings.mixpanel.project_id is None:
        raise SettingsError(
            "mixpanel.project_id is not set", "Set it in mixflows.toml, section [mixpanel], or with --set."
        )
    return settings.mixpanel.project_id


def _fetched(settings: Settings, memory: Memory) -> dict[date, float]:
    """When each day in the source was last asked for. What the folder forgot, the warehouse knows by its landings.

    Raises:
        UsageError: The landing log says that no day can be landed as the settings are.
    """
    prefix = _slot(memory.project, "")
    log = {"zone": settings.project_timezone, "content_hash": ""}
    try:
        with borrowed(settings, must_exist=True) as warehouse:
            [before] = warehouse.query("land_before", log)
            rows = warehouse.query("fetched_slots")
    except (MissingTableError, OutdatedTableError):
        return {}
    refuse_other_feed(settings, LandedBefore(**before), "mixpanel")
    refuse_stale(settings, LandedBefore(**before), prefix.rstrip("/"))
    landed: dict[date, float] = {}
    for row in rows:
        if row["slot"].startswith(prefix):
            for day in each_day(row["first_day"], row["last_day"]):
                landed[day] = max(landed.get(day, 0.0), row["landed_at"].timestamp())
    asked = memory.last_fetched()
    return {day: asked.get(day, landed_at) for day, landed_at in landed.items()}


@contextmanager
def _client(settings: Settings, limiter: Limiter, clock: Clock) -> Generator[ExportClient]:
    client = ExportClient(settings, limiter, clock)
    try:
        yield client
    finally:
        clock.stop()
        client.close()


def _slot(project: int, days: str) -> str:
    return f"mixpanel/{project}/{days}"


def _land(
    settings: Settings, download: Download | FailedDownload, reason: str, accept_shrink: frozenset[date]
) -> FetchedDays:
    first_day, last_day = download.first_day, download.last_day
    if isinstance(download, FailedDownload):
        return FetchedDays(first_day, last_day, reason, "failed", error=download.error)
    slot = _slot(settings.mixpanel.project_id or 0, days_words(first_day, last_day))
    delivery = Delivery(download.file, slot, first_day, last_day, "mixpanel", accept_shrink)
    try:
        with borrowed(settings) as warehouse:
            superseded = supersede(warehouse, settings, delivery, content=download.content)
    except ShrunkError as err:
        return FetchedDays(first_day, last_day, reason, "shrunk", error=str(err), shrunk_days=err.days)
    except LandingError as err:
        return FetchedDays(first_day, last_day, reason, "failed", error=str(err))
    return FetchedDays(first_day, last_day, reason, superseded.status, superseded)


def _put_away(file: Path, folder: Path | None) -> None:
    """Moves a file that was landed to a folder, in the place of an earlier one of the same days, or removes it."""
    try:
        if folder is None:
            file.unlink()
            return
        days = file.name.split(".json", 1)[0]
        for earlier in (folder / f"{days}.jsonl", folder / f"{days}.jsonl.gz"):
            earlier.unlink(missing_ok=True)
        file.replace(folder / file.name)
    except OSError as err:
        raise cannot_write(file.parent, err.strerror) from err


def _logged(result: FetchedDays, download: Download | FailedDownload) -> Fetch:
    done = result.superseded
    changed = None if done is None else done.restated + done.new + done.back + done.gone
    size, lines = (download.bytes, download.lines) if isinstance(download, Download) else (None, None)
    return Fetch(
        result.first_day, result.last_day, download.asked_at, result.status, result.reason, size, lines, changed,
        result.error or None,
    )  # fmt: skip


Found = tuple[str, Download | FailedDownload]


def _side_by_side(
    queries: Iterable[PlannedFetch], downloader: Downloader, concurrency: int, clock: Clock
) -> Iterator[Found]:
    """Downloads queries on so many threads, and hands each download out as soon as it is complete, with its reason.

    At most as many complete files as there are threads wait to be landed. An error that stops everything is raised here.
    The threads end with the process: one that waits for Mixpanel does not keep it.
    """
    waiting = iter(list(queries))
    lock = threading.Lock()
    found: queue.Queue[Found | BaseException | None] = queue.Queue(concurrency)

    def put(item: Found | BaseException | None) -> None:
        while True:
            try:
                return found.put(item, timeout=POLL_SECONDS)
            except queue.Full:
                clock.go_on()

    def work() -> None:
        try:
            while True:
                with lock:
                    query = next(waiting, None)
                if query is None:
                    return put(None)
                for download in downloader.downloads(query.first_day, query.last_day):
                    put((query.reason, download))
        except StoppedError:
            pass
        except BaseException as err:  # noqa: BLE001 - raised again where the downloads are consumed
            found.put(err)

    threads = [
        # Each in the context of the caller, whose listener and log are told of waits.
        threading.Thread(target=copy_context().run, args=(work,), daemon=True, name=f"fetch-{n}")
        for n in range(concurrency)
    ]
    for thread in threads:
        thread.start()
    working = len(threads)
    while working:
        item = found.get()
        if item is None:
            working -= 1
        elif isinstance(item, BaseException):
            raise item
        else:
            yield item
