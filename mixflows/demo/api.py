"""A stand-in of Mixpanel's raw export API on loopback, from which the demo fetches.

Source: https://developer.mixpanel.com/reference/raw-event-export
"""

import gzip
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from mixflows.days import each_day


@contextmanager
def export_api(lines: Mapping[date, Sequence[bytes]]) -> Generator[str]:
    """Serves the lines of days, as they are at each request, for as long as the block runs, to whoever asks.

    Yields:
        The address for `mixpanel.api_url`.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answers a request for an export; nothing else is asked for."""
            query = parse_qs(urlsplit(self.path).query)
            days = each_day(*(date.fromisoformat(query[name][0]) for name in ("from_date", "to_date")))
            body = gzip.compress(b"".join(line + b"\n" for day in days for line in lines.get(day, ())), 3)
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
