"""A warehouse that dies: it forwards every verb, or every statement, and kills its own process at a chosen point."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_byte, c_int, c_long, c_void_p
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeVar, cast

import duckdb

from mixflows.warehouse.base import Warehouse

STEPS = (
    "create_tables", "source_days", "published_rows", "query", "run", "stage", "replace_days", "append", "drop_batch", "close",
    "date_landed_rows", "land",
)  # fmt: skip
T = TypeVar("T")


@dataclass(frozen=True)
class KillPoint:
    """Where to die.

    Attributes:
        call: Which call of the run, from 0; calls are counted as `Calls` does.
        when: Before the call, after it, or while it runs.
        delay: For `inside`, seconds after the call began.
    """

    call: int
    when: Literal["before", "inside", "after"]
    delay: float = 0.0


@dataclass
class Calls:
    """The calls of one run in order: every verb that reads or writes, and a transaction's begin and commit.

    Attributes:
        at: Where to die; None to live.
        announce: Is told that a call begins or has ended, before anything else happens.
        seconds: How long each call took, with its name.
    """

    at: KillPoint | None = None
    announce: Callable[[str], None] = lambda _: None
    seconds: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def made(self, name: str, call: Callable[[], T]) -> T:
        """Makes one call, or dies on the way."""
        with self._lock:
            place = len(self.seconds)
            self.seconds.append((name, 0.0))
        here = self.at if self.at is not None and self.at.call == place else None
        if here and here.when == "before":
            die()
        self.announce(f"began {place}\n")
        if here and here.when == "inside":
            die_after(here.delay)
        started = time.perf_counter()
        result = call()
        self.seconds[place] = (name, time.perf_counter() - started)
        self.announce(f"ended {place}\n")
        if here:
            die()  # after the call, or it was faster than the delay
        return result


class MortalWarehouse:
    """Forwards to a warehouse and counts the calls; a Warehouse itself, through `mortal`."""

    def __init__(self, inner: Warehouse, calls: Calls) -> None:
        self._inner, self._calls = inner, calls

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)
        if name not in STEPS:
            return verb
        return lambda *args, **named: self._calls.made(_label(name, args), lambda: verb(*args, **named))

    # A protocol is looked for on the class.

    def date_landed_rows(self) -> Any:
        """See `LandsFiles`."""
        return self.__getattr__("date_landed_rows")()

    def land(self, *args: Any, **named: Any) -> Any:
        """See `LandsFiles`."""
        return self.__getattr__("land")(*args, **named)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Its begin and its commit are calls of their own."""
        inner = self._inner.transaction()
        self._calls.made("begin", inner.__enter__)
        try:
            yield
        except BaseException as err:
            inner.__exit__(type(err), err, err.__traceback__)
            raise
        self._calls.made("commit", lambda: inner.__exit__(None, None, None))


class MortalConnection:
    """Forwards to a connection of DuckDB, and counts its statements."""

    def __init__(self, inner: duckdb.DuckDBPyConnection, calls: Calls) -> None:
        self._inner, self._calls = inner, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, sql: str, *args: Any) -> duckdb.DuckDBPyConnection:
        """Runs a statement, which is one call."""
        return self._calls.made(" ".join(sql.split()[:2]), lambda: self._inner.execute(sql, *args))

    def close(self) -> None:
        """Closes it, which is a call too."""
        self._calls.made("close", self._inner.close)


def mortal_connection(inner: duckdb.DuckDBPyConnection, calls: Calls) -> duckdb.DuckDBPyConnection:
    """The connection, with its statements counted."""
    return cast("duckdb.DuckDBPyConnection", MortalConnection(inner, calls))


def mortal(inner: Warehouse, calls: Calls) -> Warehouse:
    """The warehouse, with its calls counted."""
    return cast("Warehouse", MortalWarehouse(inner, calls))


def die() -> NoReturn:
    """Ends this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")


class _SignalEvent(ctypes.Structure):
    _fields_ = (("value", c_void_p), ("signal", c_int), ("notify", c_int), ("rest", c_byte * 48))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("again_s", c_long), ("again_ns", c_long), ("first_s", c_long), ("first_ns", c_long))


def die_after(seconds: float) -> None:
    """Lets the kernel kill this process: a thread would come too late for a statement of a millisecond."""
    library = ctypes.CDLL(None, use_errno=True)
    timer = c_void_p()
    event = _SignalEvent(None, signal.SIGKILL, 0)
    whole, part = divmod(max(seconds, 1e-6), 1)
    spec = _TimerSpec(0, 0, int(whole), int(part * 1e9))
    if library.timer_create(time.CLOCK_MONOTONIC, byref(event), byref(timer)) or library.timer_settime(
        timer, 0, byref(spec), None
    ):
        raise OSError(ctypes.get_errno(), "no timer could be set")


def _label(verb: str, args: tuple[Any, ...]) -> str:
    what = next((a if isinstance(a, str) else a.name for a in args if isinstance(a, str) or hasattr(a, "tables")), "")
    return f"{verb} {what}".strip()
