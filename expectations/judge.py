"""The process that judges: imports Great Expectations, then answers requests until nobody speaks to it any more."""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from expectations import gate
from expectations.talk import Judged, Narrow, Query, Raised, Request, Rows, Widen, receive, send, sendable
from mixflows.collecting import collect_seldom, importing
from mixflows.warehouse.base import RowAccess

OTHERS = ("google", "sqlalchemy_bigquery")
"""What Great Expectations imports for stores and warehouses that are never judged from here, if it is there."""


class _Absent:
    """Finds that those modules are not there."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """See `importlib.abc.MetaPathFinder`."""
        if name.partition(".")[0] in OTHERS:
            raise ModuleNotFoundError(f"{name} is not imported here", name=name)


@contextmanager
def _without_others() -> Generator[None]:
    sys.meta_path.insert(0, _Absent)
    try:
        yield
    finally:
        sys.meta_path.remove(_Absent)  # a user's suite may import them


class Asked:
    """The other process, which has the rows."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to, self._back = to, back

    def ask(self, what: object) -> Any:
        """Its answer.

        Raises:
            Exception: What it met.
        """
        send(self._to, what)
        answer = receive(self._back)
        if isinstance(answer, Raised):
            raise answer.error
        return answer

    @contextmanager
    def narrowed(self, stage: str, columns: Sequence[str]) -> Generator[str]:
        """See RowAccess."""
        table: str = self.ask(Narrow(stage, columns)).table
        try:
            yield table
        finally:
            self.ask(Widen())


class Connection:
    """A DBAPI connection, and its own cursor, whose statements the other process runs."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[str, *tuple[None, ...]]] | None = None
        self.rowcount = -1

    def cursor(self) -> "Connection":
        """Another one, for a statement of its own."""
        return Connection(self._asked)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> "Connection":
        """Runs a statement, and keeps all its rows."""
        answer: Rows = self._asked.ask(Query(sql, [_plain(param) for param in params]))
        self.description = [(name, None, None, None, None, None, None) for name in answer.columns]
        self._rows = list(reversed(answer.rows))
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return self._rows.pop() if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """The next rows."""
        return [self._rows.pop() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        return self.fetchmany(len(self._rows))

    def begin(self) -> None:
        """Nothing: statements only read."""

    commit = rollback = close = begin


def _plain(value: Any) -> Any:
    """A string of SQLAlchemy's own class as one of Python's: to read the other, that process would import SQLAlchemy."""
    return str(value) if isinstance(value, str) else value


def main() -> None:
    """Answers requests until the other process closes the pipe, or is gone."""
    collect_seldom()
    back = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a user's suite prints, or asks for, is no part of the talk.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    asked = Asked(to, back)
    try:
        with importing(), _without_others():
            gate.warm_up()
            from sqlalchemy import create_engine

            create_engine("duckdb://")  # connects to nothing, but imports the dialect
        while True:
            send(to, _answer(receive(back), asked))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # tidying up takes a second


def _answer(request: Request, asked: Asked) -> Judged | Raised:
    os.chdir(Path(request.folder))
    access = RowAccess(
        connection_string=request.connection_string,
        schema_name=request.schema_name,
        engine_options={"creator": lambda: Connection(asked)},
        narrowed=asked.narrowed if request.narrows else None,
    )
    try:
        return Judged(gate.judge(request.settings, request.staged, check_rows=request.check_rows, access=access))
    except (EOFError, BrokenPipeError):
        raise
    except BaseException as err:  # noqa: BLE001 - a user's suite may raise anything, SystemExit too
        return Raised(sendable(err))
