"""A webhook on loopback, which the tests' notification block posts to, and automations that do not wait for a night."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

from prefect.client.orchestration import get_client

from deployments.automations import apply, automations, notification_block
from tests.deployments.server import PrefectServer, eventually

BLOCK = "custom-webhook/mixflows"
MAKE_BLOCK = """\
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook
text = {{"subject": "{{{{subject}}}}", "body": "{{{{body}}}}"}}
Webhook(name="mixflows", url="{url}", json_data=text).save("mixflows")
"""


@dataclass(frozen=True)
class Told:
    """What the automations' command said, and the messages that arrived."""

    said: str
    messages: list[dict[str, Any]]

    def message(self, subject: str, words: str = "") -> str:
        """The first message with this subject and words, once it is there."""

        def arrived() -> str | None:
            bodies = (str(m["body"]) for m in list(self.messages) if m["subject"] == subject)
            return next((body for body in bodies if words in body), None)

        return eventually(arrived, f"a message {subject!r} with {words!r} arrives; so far {self.messages}")


class Webhook:
    """The listener."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
                pass

        self._listener = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._listener.serve_forever)

    @property
    def block(self) -> str:
        """The Python that makes the block."""
        return MAKE_BLOCK.format(url=f"http://127.0.0.1:{self._listener.server_port}/")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


@contextmanager
def impatient(
    server: PrefectServer, name: str, daily_within: timedelta = timedelta(days=1), silence: timedelta | None = None
) -> Iterator[None]:
    """Shortens how long one automation waits, and makes it as it was again."""

    async def made(daily_within: timedelta, silence: timedelta | None) -> dict[str, str]:
        async with get_client() as client:
            wanted = automations(await notification_block(BLOCK, client), daily_within, silence)
            return await apply([a for a in wanted if a.name == f"mixflows: {name}"], client)

    with server.here():
        assert list(asyncio.run(made(daily_within, silence)).values()) == ["updated"]
        yield
        asyncio.run(made(timedelta(days=1), None))
