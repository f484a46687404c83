"""Judging in a process of its own, beside this one: Great Expectations takes as long to import as Prefect.

That process is started early, imports while this one imports and stages, and judges what it is sent, one request at a
time. The embedded engine's file belongs to this process alone, so the other one asks it for its statements' rows. They
talk in pickles, over the other process's standard input and output.
"""

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from expectations.talk import Done, Judged, Narrow, Query, Raised, Request, Rows, Widen, receive, send, sendable
from mixflows.errors import DayError

if TYPE_CHECKING:  # this is imported first of all, to start the process
    from datetime import date

    from mixflows.model import StagedDay, Verdict
    from mixflows.settings import Settings
    from mixflows.warehouse.base import Narrowed, RowAccess

# The other process finds its modules where this one does; a folder of the user's named like a package stands in for none.
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from expectations.judge import main; main()"


class JudgingProcess:
    """A process that judges; started when it is first needed, and again where it came to an end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._talking = threading.Lock()

    def begin(self) -> None:
        """Starts the process, unless it runs already; does not wait for its imports."""
        with self._talking:
            self._running()

    def judge(
        self, settings: "Settings", staged: "Sequence[StagedDay]", *, check_rows: bool, access: "RowAccess"
    ) -> "Mapping[date, Verdict]":
        """Judges staged days; see `expectations.gate.judge`, which the other process calls.

        Args:
            access: The way to the staged rows, by a `creator` of connections.

        Raises:
            DayError: The process came to an end.
        """
        request = Request(
            str(Path.cwd()), settings, tuple(staged), check_rows,
            access.connection_string, access.schema_name, access.narrowed is not None,
        )  # fmt: skip
        with self._talking:
            process = self._running()
            try:
                answer = _talk(process, request, access)
            except (EOFError, BrokenPipeError) as err:
                raise DayError(
                    f"the process that judges came to an end (exit code {process.wait()})",
                    "Was there memory enough? Nothing of what it was to judge is published; run the same again.",
                ) from err
            except BaseException:
                self._end()  # in the middle of a talk, as by Ctrl-C: what it says next is no answer to anything
                raise
        if isinstance(answer, Raised):
            raise answer.error
        return answer.verdicts

    def end(self) -> None:
        """Ends the process; safe to call twice."""
        with self._talking:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is this process's to answer
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()  # it holds nothing
            with suppress(BrokenPipeError), self._process:  # what it did not hear is of no use any more
                pass
            self._process = None


def _talk(process: "subprocess.Popen[bytes]", request: Request, access: "RowAccess") -> Judged | Raised:
    to, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    with ExitStack() as narrowed, closing(access.engine_options["creator"]()) as connection:
        send(to, request)
        while True:
            said = receive(back)
            if isinstance(said, (Judged, Raised)):
                return said
            try:
                answer = _answer(said, access, connection, narrowed)
            except Exception as err:  # noqa: BLE001 - what the other process asked for is its to deal with
                answer = Raised(sendable(err))
            send(to, answer)


def _answer(said: Query | Narrow | Widen, access: "RowAccess", connection: Any, narrowed: ExitStack) -> Rows | Done:
    match said:
        case Query(sql, params):
            cursor = connection.execute(sql, params)
            return Rows([column[0] for column in cursor.description or ()], cursor.fetchall())
        case Narrow(stage, columns):
            narrowed.close()
            narrow = cast("Narrowed", access.narrowed)
            return Done(narrowed.enter_context(narrow(stage, columns)))
        case Widen():
            narrowed.close()
            return Done("")


judging_process = JudgingProcess()
"""This process's one; it ends with it."""
atexit.register(judging_process.end)
