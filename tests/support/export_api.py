"""A stand-in of Mixpanel's raw export API on loopback, with the limits and the faults of the real one.

Facts and their sources: https://developer.mixpanel.com/reference/raw-event-export and
https://docs.mixpanel.com/reference/rate-limits.
"""

import base64
import gzip
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from mixflows.days import each_day

Kind = Literal[
    "status", "page", "reset", "reset_in_body", "cut_gzip", "cut_plain", "drip", "terminated_early", "terminated_glued",
    "split_record", "empty", "gzip_of_nothing",
]  # fmt: skip
SMALL_BYTES = 1400
"""Bodies up to this size are not compressed."""
PER_HOUR, PER_SECOND, AT_ONCE = 60, 3, 100
SECONDS_OF_DRIP = 30
PAGE = b"<!DOCTYPE html>\n<html><body>Sign in to continue</body></html>"


@dataclass
class Fault:
    """What goes wrong with the next answers.

    Attributes:
        kind: `status` answers with a status, `page` with an HTML page and status 200; the others spoil a good answer.
            `cut_plain` leaves out its last byte and closes the connection, which no header tells.
        times: With how many answers; None is all.
        day: Only with answers that contain this day.
        status: Of the kind `status`.
        headers: Added to that answer.
        error: The text of its body.
    """

    kind: Kind
    times: int | None = 1
    day: date | None = None
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict[str, str])
    error: str = "something went wrong"


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        at: By the server's clock.
        target: Path and query.
        status: Of the answer.
    """

    at: float
    target: str
    status: int
    first_day: date | None = None
    last_day: date | None = None


class ExportApi:
    """The server. As a context it is running at `url`.

    Args:
        secret: Of the service account, and of the project itself.
        now: The clock, in seconds since 1970; the limits and the project's today follow it.
        shuffles: Whether the lines of each answer, and the keys of each line, come in another order.
    """

    project_id, user = 1234567, "export.bot"
    """The only project, whose days are UTC's, and the service account."""

    def __init__(self, secret: str = "s3cret", *, now: Callable[[], float] = time.time, shuffles: bool = True) -> None:
        self.secret, self.now, self.shuffles = secret, now, shuffles
        self.days: dict[date, list[bytes]] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.per_hour = PER_HOUR
        self.retry_after: int | None = None
        self.most_at_once = 0
        self.closed = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address for `mixpanel.api_url`."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "ExportApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._http.shutdown()
        self._http.server_close()

    def put(self, day: date, lines: Iterable[dict[str, Any] | bytes]) -> None:
        """Makes lines all that the project has of a day: events, or bytes without a line feed as they are."""
        self.days[day] = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]

    def answer(self, handler: "_Handler") -> None:
        """Answers one request."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self._answer(handler)
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer(self, handler: "_Handler") -> None:
        now = self.now()
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        days = _days_of(query)
        with self._lock:
            refused = self._refusal(now, handler, query, days)
            fault = None if refused else self._next_fault(days)
            if fault is not None and fault.kind == "status":
                refused = fault.status, fault.error, fault.headers
            status = refused[0] if refused else 200
            self.requests.append(Request(now, handler.path, status, *(days or (None, None))))
        if refused is not None:
            status, error, headers = refused
            body = json.dumps({"request": handler.path.split("?")[0], "error": error}).encode()
            handler.reply(status, body, {"Content-Type": "application/json", **headers})
        else:
            assert days is not None
            self._export(handler, days, fault, in_ms=query.get("time_in_ms") == "true")

    def _next_fault(self, days: tuple[date, date] | None) -> Fault | None:
        for fault in self.faults:
            is_due = fault.times is None or fault.times > 0
            if is_due and (fault.day is None or (days is not None and days[0] <= fault.day <= days[1])):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def _refusal(
        self, now: float, handler: "_Handler", query: dict[str, str], days: tuple[date, date] | None
    ) -> tuple[int, str, dict[str, str]] | None:
        by = _basic(handler.headers.get("Authorization", ""))
        if by not in {(self.user, self.secret), (self.secret, "")}:
            return 401, "Invalid service account credentials", {}
        recent = sum(request.at > now - 3600 for request in self.requests if request.status not in {401, 403, 429})
        last_second = sum(request.at > now - 1 for request in self.requests if request.status not in {401, 403, 429})
        if recent >= self.per_hour or last_second >= PER_SECOND or self._at_once > AT_ONCE:
            error = (
                f"Query rate limit exceeded for project_id: {self.project_id}. {self._at_once}/{AT_ONCE} queries running"
                f" concurrently and {recent + 1}/{self.per_hour} queries running in the last hour"
            )
            return 429, error, {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        if by[0] == self.user:
            if "project_id" not in query:
                return 400, "project_id is a required parameter", {}
            if query["project_id"] != str(self.project_id):
                return 403, "User is not a member of the project", {}
        if days is None:
            return 400, "from_date and to_date are required", {}
        if days[1] > datetime.fromtimestamp(now, UTC).date():
            return 400, "to_date cannot be later than today", {}
        return None

    def _export(self, handler: "_Handler", days: tuple[date, date], fault: Fault | None, *, in_ms: bool) -> None:
        kind = fault.kind if fault else None
        if kind == "page":
            handler.reply(200, PAGE, {"Content-Type": "text/html"})
            return
        if kind == "reset":
            handler.reset()
            return
        lines = [] if kind in {"empty", "gzip_of_nothing"} else self._lines(days, in_ms=in_ms)
        if kind == "split_record" and lines:
            middle = len(lines[0]) // 2
            lines[0] = lines[0][:middle] + b"\n" + lines[0][middle:]
        body = b"".join(line + b"\n" for line in lines)
        if kind == "terminated_early":
            body = body[: body.find(b"\n", len(body) // 2) + 1] + b"export terminated early\n"
        if kind == "terminated_glued":
            body = body[: len(body) // 2] + b"terminated early"
        asks_gzip = "gzip" in handler.headers.get("Accept-Encoding", "")
        is_gzip = asks_gzip and (len(body) > SMALL_BYTES or kind in {"cut_gzip", "gzip_of_nothing"})
        sent = gzip.compress(body, 3) if is_gzip else body
        if kind == "cut_gzip":
            sent = sent[: len(sent) // 2]
        handler.stream(sent, kind, is_gzip=is_gzip)

    def _lines(self, days: tuple[date, date], *, in_ms: bool) -> list[bytes]:
        lines = [line for day in each_day(*days) for line in self.days.get(day, ())]
        chance = random.Random(len(self.requests)) if self.shuffles else None
        if chance is not None:
            chance.shuffle(lines)
        return [_rewritten(line, chance, in_ms=in_ms) for line in lines] if chance or in_ms else lines


def _rewritten(line: bytes, chance: random.Random | None, *, in_ms: bool) -> bytes:
    """A line with its keys in another order, or its time in milliseconds; one that is no event as it is."""
    try:
        event: dict[str, Any] = json.loads(line)
        properties = list(event["properties"].items())
    except (ValueError, TypeError, KeyError):
        return line
    if chance is not None:
        chance.shuffle(properties)
    event["properties"] = dict(properties)
    if in_ms:
        event["properties"]["time"] *= 1000
    return json.dumps(event).encode()


def _days_of(query: dict[str, str]) -> tuple[date, date] | None:
    try:
        return date.fromisoformat(query["from_date"]), date.fromisoformat(query["to_date"])
    except (KeyError, ValueError):
        return None


def _basic(header: str) -> tuple[str, str]:
    try:
        user, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        return "", ""
    return user, secret


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ExportApi

    def do_GET(self) -> None:
        """Answers a request for an export; nothing else is there."""
        if urlsplit(self.path).path != "/api/2.0/export":
            self.reply(404, b'{"error": "not found"}', {"Content-Type": "application/json"})
            return
        try:
            self.api.answer(self)
        except OSError:
            self.close_connection = True  # who asked has gone

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, body: bytes, kind: Kind | None, *, is_gzip: bool) -> None:
        """Sends a body in chunks, or until the connection is closed; `kind` says what goes wrong meanwhile."""
        is_chunked = kind != "cut_plain"
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if is_gzip:
            self.send_header("Content-Encoding", "gzip")
        self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Connection", "close")))
        self.end_headers()
        if kind == "cut_plain":
            self.wfile.write(body[:-1])  # the last line looks whole
            self.close_connection = True
            return
        size = max(1, min(len(body) // 3 or 1, 1 << 16))
        for at in range(0, len(body), size):
            block = body[at : at + size]
            self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            if at and kind == "reset_in_body":
                self.reset()
                return
            if at and kind == "drip":
                self.wfile.flush()
                self.api.closed.wait(SECONDS_OF_DRIP)
        self.wfile.write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Breaks the connection without a word."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Prints nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Prints nothing: clients reset connections too."""


def _handler(api: ExportApi) -> type[_Handler]:
    return type("Handler", (_Handler,), {"api": api})
