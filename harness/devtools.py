"""A page in headless Chromium, steered by its DevTools protocol as a reader steers it: clicks, keys, sizes, colour schemes.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

WITHIN_SECONDS = 60
SAID = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


@dataclass
class Page:
    """One open page.

    Attributes:
        said: What it has said on the console since it was opened.
    """

    _socket: Connection
    _session: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(10))
    said: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Runs one command and returns its result."""
        return _send(self._socket, next(self._numbers), method, params, self._session, self.said)

    def open(
        self, address: str, width: int, height: int, *, dark: bool, touch: bool = False, draws: bool = True
    ) -> None:
        """Opens an address in a window of that size, and waits until its charts are drawn, if it draws some."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url="about:blank")
        self.said.clear()
        self.send("Page.navigate", url=address)
        ready = "document.documentElement?.dataset.drawn === 'yes'" if draws else "document.readyState === 'complete'"
        self.until(f"location.href === '{address}' && {ready}")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.05)

    def click(self, expression: str) -> None:
        """Clicks in the middle of an element, as a mouse does."""
        self.value(f"({expression}).scrollIntoView({{block: 'center', inline: 'center'}})")
        x, y = self.value(
            f"(() => {{ const r = ({expression}).getBoundingClientRect();"
            " return [r.left + r.width / 2, r.top + r.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Presses a key."""
        number, text = KEYS[key]
        more = {"key": key, "code": key, "windowsVirtualKeyCode": number, "text": text}
        self.send("Input.dispatchKeyEvent", type="keyDown", **more)
        self.send("Input.dispatchKeyEvent", type="keyUp", **more)

    def picture(self, file: Path) -> None:
        """Keeps a picture of the whole page."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))


@contextmanager
def page(browser: str, quiet: Sequence[str], folder: Path) -> Iterator[Page]:
    """A new page in a browser of its own."""
    profile = folder / "steered"
    command = [browser, *quiet, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_address(profile / "DevToolsActivePort"), max_size=None, compression=None) as socket:
            (target,) = [
                one["targetId"]
                for one in _send(socket, 1, "Target.getTargets", {})["targetInfos"]
                if one["type"] == "page"
            ]
            attached = _send(socket, 2, "Target.attachToTarget", {"targetId": target, "flatten": True})
            opened = Page(socket, attached["sessionId"])
            opened.send("Runtime.enable")
            opened.send("Log.enable")
            yield opened
    finally:
        running.terminate()
        running.wait(timeout=30)


def _address(file: Path) -> str:
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        lines = file.read_text(encoding="utf-8").split() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert time.monotonic() < deadline, "the browser opened no port"
        time.sleep(0.05)


def _send(
    socket: Connection,
    number: int,
    method: str,
    params: dict[str, Any],
    session: str = "",
    said: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    more = {"sessionId": session} if session else {}
    socket.send(json.dumps({"id": number, "method": method, "params": params, **more}))
    while True:
        answer = json.loads(socket.recv(timeout=WITHIN_SECONDS))
        if answer.get("id") == number:
            assert "error" not in answer, (method, answer)
            return answer["result"]
        if said is not None and answer.get("method") in SAID:
            said.append(answer["params"])
