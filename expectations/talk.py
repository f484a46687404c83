"""What this process and the one that judges say to each other. One asks for a judgement; the other asks back for rows."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from mixflows.model import StagedDay, Verdict
    from mixflows.settings import Settings


@dataclass(frozen=True)
class Request:
    """Judge these days.

    Attributes:
        folder: Where this process is; the user's own suites are looked for there.
        connection_string: Of the way to the staged rows; see `mixflows.warehouse.base.RowAccess`.
        schema_name: Likewise.
        narrows: Whether it narrows staged days.
    """

    folder: str
    settings: "Settings"
    staged: "tuple[StagedDay, ...]"
    check_rows: bool
    connection_string: str
    schema_name: str | None
    narrows: bool


@dataclass(frozen=True)
class Query:
    """Asks back for a statement's rows."""

    sql: str
    params: Sequence[Any]


@dataclass(frozen=True)
class Rows:
    """A statement's rows."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Narrow:
    """Asks back for a table with some columns of a staged day alone."""

    stage: str
    columns: Sequence[str]


@dataclass(frozen=True)
class Widen:
    """Gives that table back."""


@dataclass(frozen=True)
class Done:
    """Answers Narrow, with the table's name, and Widen."""

    table: str


@dataclass(frozen=True)
class Judged:
    """Answers the request."""

    verdicts: "Mapping[date, Verdict]"


@dataclass(frozen=True)
class Raised:
    """Answers anything: it failed."""

    error: BaseException


def send(to: IO[bytes], said: object) -> None:
    """Says something.

    Raises:
        BrokenPipeError: Nobody listens any more.
    """
    to.write(pickle.dumps(said))
    to.flush()


def receive(back: IO[bytes]) -> Any:
    """Waits for what is said.

    Raises:
        EOFError: Nobody speaks any more.
    """
    return pickle.load(back)


def sendable(error: BaseException) -> BaseException:
    """The error, or its words where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a user's error does when it is made anew
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
