"""What `fetch.folder` remembers between processes: the hour's queries, the log of fetches, and who fetches now.

It lies in a SQLite file of its own, so that nobody holds the warehouse's file while downloads run or wait. SQLite keeps
it whole through crashes, and its lock ends with the process that holds it.
"""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mixflows.days import each_day
from mixflows.errors import FetchHeldError, OutputError

FILE = "fetches.sqlite3"
LOCK_SECONDS = 60
"""How long a statement waits for another process's; each of them takes milliseconds."""
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, project INTEGER NOT NULL, sent REAL NOT NULL, at REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS pauses (project INTEGER PRIMARY KEY, until REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS fetches (
      project INTEGER NOT NULL, first_day TEXT NOT NULL, last_day TEXT NOT NULL, asked_at REAL NOT NULL,
      status TEXT NOT NULL, reason TEXT NOT NULL, bytes INTEGER, lines INTEGER, found INTEGER, error TEXT)""",
)


@dataclass(frozen=True)
class Fetch:
    """One fetch of consecutive days, as the log keeps it.

    Attributes:
        asked_at: When the query that gave the file was sent, in seconds since 1970, UTC.
        status: `landed`, `unchanged`, `shrunk` or `failed`.
        reason: Why the days were fetched.
        bytes: Size of the file as it was sent.
        lines: Lines of the file.
        found: Rows that the fetch changed: new, restated, back or gone.
        error: Why it failed; one sentence, without secrets.
    """

    first_day: date
    last_day: date
    asked_at: float
    status: str
    reason: str
    bytes: int | None = None
    lines: int | None = None
    found: int | None = None
    error: str | None = None


class Memory:
    """The memory of one project in one folder.

    Args:
        folder: `fetch.folder`; the first write creates it.
        project: The project's id.
    """

    def __init__(self, folder: Path, project: int) -> None:
        self.folder, self.project = folder, project

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever written."""
        return not (self.folder / FILE).exists()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """One transaction that no other process is in; creates what is not there yet.

        Raises:
            OutputError: The file cannot be read or written.
        """
        self._create_folder()
        try:
            with closing(sqlite3.connect(self.folder / FILE, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    for statement in SCHEMA:
                        connection.execute(statement)
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as err:
            raise cannot_write(self.folder / FILE, str(err)) from err

    @contextmanager
    def alone(self) -> Generator[None]:
        """Holds the project, so that one process at a time fetches it; the lock ends with the process.

        Raises:
            FetchHeldError: Another process holds it.
        """
        self._create_folder()
        try:
            held = sqlite3.connect(self.folder / f"{self.project}.lock", timeout=0, isolation_level=None)
        except sqlite3.Error as err:
            raise cannot_write(self.folder, str(err)) from err
        with closing(held):
            try:
                held.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as err:
                raise FetchHeldError(
                    f"another process fetches project {self.project} into {self.folder}",
                    "Wait until it has ended, then run the same command.",
                ) from err
            yield

    def _create_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise cannot_write(self.folder, err.strerror) from err

    def remember(self, fetch: Fetch) -> None:
        """Adds a fetch to the log."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO fetches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self.project, str(fetch.first_day), str(fetch.last_day), fetch.asked_at, fetch.status, fetch.reason,
                    fetch.bytes, fetch.lines, fetch.found, fetch.error,
                ),
            )  # fmt: skip

    def fetches(self) -> Iterator[Fetch]:
        """The log, oldest first."""
        if self.is_empty:
            return
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT first_day, last_day, asked_at, status, reason, bytes, lines, found, error FROM fetches"
                " WHERE project = ? ORDER BY rowid",
                (self.project,),
            ).fetchall()
        for first, last, *rest in rows:
            yield Fetch(date.fromisoformat(first), date.fromisoformat(last), *rest)

    def last_fetched(self) -> dict[date, float]:
        """When each day was last asked for with success, in seconds since 1970, UTC."""
        found: dict[date, float] = {}
        for fetch in self.fetches():
            if fetch.status in {"landed", "unchanged"}:
                for day in each_day(fetch.first_day, fetch.last_day):
                    found[day] = max(found.get(day, 0.0), fetch.asked_at)
        return found


def cannot_write(place: Path, why: str | None) -> OutputError:
    """The error for a folder or file of downloads that cannot be written."""
    return OutputError(
        f"{place} cannot be written: {why}",
        "Make room, or name another folder in fetch.folder; nothing was half landed.",
    )
