"""A proxy on loopback between the client and the API server: it injects the faults that BigQuery shows."""

import gzip
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SERIALIZATION = "Could not serialize access to table proj:mixpanel.mp_events due to concurrent update"


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        query: The statement, where the request starts a query job.
        job: The job it asks for, where it does.
        copied: The table or partition that it replaces, where it starts a copy job.
    """

    method: str
    path: str
    query: str = ""
    job: str = ""
    copied: str = ""


@dataclass(frozen=True)
class Answer:
    """An error that the proxy answers by itself; the server never sees the request."""

    status: int
    reason: str
    message: str


@dataclass(frozen=True)
class Says:
    """What the proxy answers by itself, as if all were well; the server never sees the request."""

    answer: dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """The server is given another statement under the same job id."""

    sql: str


@dataclass(frozen=True)
class JobFails(Runs):
    """The server is given a statement that fails with this message, under the same job id."""

    def __init__(self, message: str) -> None:
        super().__init__(f"SELECT ERROR({json.dumps(message)})")


@dataclass(frozen=True)
class Lost:
    """The server gets the request, and its answer is lost on the way."""


@dataclass(frozen=True)
class Waits:
    """The server's answer is passed on as that of a job which has not started."""


Fault = Answer | Says | Runs | Lost | Waits | None
UNAVAILABLE = Answer(503, "backendError", "Visibility check was unavailable. Please retry the request.")
TOO_MANY = Answer(429, "rateLimitExceeded", "Exceeded rate limits: too many requests for this user.")
CONFLICT = JobFails(SERIALIZATION)
LOST = Lost()
Decide = Callable[[Request], Fault]


@dataclass
class Faults:
    """Injects faults at random, the same ones in every run with the same seed and order of requests."""

    share: float
    seed: int = 1
    injected: Counter[str] = field(default_factory=Counter)
    _refused: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, request: Request) -> Fault:
        with self._lock:
            if "/jobs" not in request.path and "/queries" not in request.path:
                return None
            if self._random.random() >= self.share:
                return None
            kinds = [UNAVAILABLE, TOO_MANY, LOST] + [CONFLICT] * (bool(request.query) * 2)
            fault = self._random.choice(kinds)
            self.injected[str(getattr(fault, "status", type(fault).__name__))] += 1
            return fault


def _handler(host: str, port: int, decide: Decide) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            payload = _json_of(body, self.headers.get("Content-Encoding"))
            work = payload.get("configuration", {})
            statement = work.get("query", {}).get("query", "")
            copied = work.get("copy", {}).get("destinationTable", {}).get("tableId", "")
            named = payload.get("jobReference", {}).get("jobId", "")
            fault = decide(Request(self.command, self.path, statement, named, copied))
            if isinstance(fault, Answer):
                self._refuse(fault)
                return
            if isinstance(fault, Says):
                self._answer(200, fault.answer)
                return
            if isinstance(fault, Runs):
                payload["configuration"]["query"]["query"] = fault.sql
                body = json.dumps(payload).encode()
            try:
                status, headers, answer = self._forward(body)
            except (OSError, HTTPException):
                self.close_connection = True
                return
            if isinstance(fault, Lost):
                self.close_connection = True
                return
            dropped = {"transfer-encoding", "content-length", "connection", "date", "server"}
            if isinstance(fault, Waits):
                answer = _not_started(_json_of(answer, dict(headers).get("Content-Encoding")))
                dropped.add("content-encoding")
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in dropped:
                    self.send_header(name, value.replace(f"//{host}:{port}/", f"//{self.headers['Host']}/"))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection(host, port, timeout=120)
            try:
                kept = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "content-length")}
                connection.request(self.command, self.path, body or None, kept)
                response = connection.getresponse()
                return response.status, response.getheaders(), response.read()
            finally:
                connection.close()

        def _refuse(self, fault: Answer) -> None:
            error = {"reason": fault.reason, "message": fault.message, "domain": "global"}
            self._answer(fault.status, {"error": {"code": fault.status, "message": fault.message, "errors": [error]}})

        def _answer(self, status: int, said: dict[str, Any]) -> None:
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - the names that http.server calls

    return Handler


def _json_of(body: bytes, encoding: str | None) -> dict[str, Any]:
    try:
        found = json.loads(gzip.decompress(body) if encoding == "gzip" else body)
    except (ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _not_started(answer: dict[str, Any]) -> bytes:
    answer |= {"jobComplete": False} if "jobComplete" in answer else {"status": {"state": "PENDING"}}
    answer["statistics"] = {"creationTime": answer.get("statistics", {}).get("creationTime", "0")}
    return json.dumps({name: value for name, value in answer.items() if name not in ("rows", "totalRows")}).encode()


@contextmanager
def proxy(server: str, decide: Decide) -> Iterator[str]:
    """A proxy before a server; gives its address."""
    upstream = urlsplit(server)
    assert upstream.hostname is not None
    assert upstream.port is not None
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream.hostname, upstream.port, decide))
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def once(fault: Fault, where: str) -> Decide:
    """Injects a fault into the first statement or copy that matches."""
    return always(fault, where, times=1)


def always(fault: Fault, where: str, times: int = 1_000_000) -> Decide:
    """Injects a fault into every statement, and every copy of a table, that matches."""
    left = [times]

    def decide(request: Request) -> Fault:
        what = request.query or request.copied
        if left[0] and what and re.search(where, what):
            left[0] -= 1
            return fault
        return None

    return decide
