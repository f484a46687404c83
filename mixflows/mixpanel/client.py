"""One query of Mixpanel's raw export API, and what its answers mean.

Source: https://developer.mixpanel.com/reference/raw-event-export
"""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import httpx

from mixflows import __version__
from mixflows.errors import FetchError, SettingsError
from mixflows.mixpanel.clock import Clock
from mixflows.mixpanel.limiter import Limiter
from mixflows.mixpanel.memory import cannot_write
from mixflows.settings import Settings
from mixflows.text import plain

PATH = "/api/2.0/export"
CONNECT_SECONDS, READ_SECONDS = 30.0, 300.0
"""Large exports take Mixpanel minutes before the first byte; between two bytes it takes no longer than that."""
TOO_MANY, NOT_FOUND, SERVER_FAULTS = 429, 404, 500
LONGEST_WORDS = 200
HEAD_BYTES = 4096


class PassingError(Exception):
    """A failure that may pass: asking again is worth it. The message is a clause without secrets."""


@dataclass(frozen=True)
class Body:
    """A body as it was sent.

    Attributes:
        asked_at: When the query was sent, in seconds since 1970, UTC.
        is_gzip: Whether the file is gzip.
        bytes: Its size.
        ends_with_line_feed: Whether the bytes as they were sent do, or there are none.
    """

    asked_at: float
    is_gzip: bool
    bytes: int
    ends_with_line_feed: bool


class ExportClient:
    """Sends queries within the limit, and writes the bodies to files as they come.

    Args:
        settings: Name the project and hold the secret.
        limiter: Asked before each query.
        clock: Waits.
        read_seconds: After how long without a byte an answer is given up.

    Raises:
        SettingsError: The secret is not set.
    """

    def __init__(
        self, settings: Settings, limiter: Limiter, clock: Clock, *, read_seconds: float = READ_SECONDS
    ) -> None:
        mixpanel = settings.mixpanel
        self._secret = mixpanel.secret.get_secret_value() if mixpanel.secret else ""
        if not self._secret:
            raise SettingsError(
                "Mixpanel's secret is not set",
                "Set MIXFLOWS_MIXPANEL__SECRET in the environment, or name a Prefect Secret block in mixpanel.secret_block.",
            )
        self._is_service_account = mixpanel.service_account is not None
        self._project = mixpanel.project_id
        self._time_in_ms = settings.landing.time_unit == "ms"
        self._limiter, self._clock, self._read_seconds = limiter, clock, read_seconds
        auth = (mixpanel.service_account, self._secret) if mixpanel.service_account else (self._secret, "")
        self._http = httpx.Client(
            base_url=mixpanel.address,
            auth=httpx.BasicAuth(*auth),
            headers={"Accept-Encoding": "gzip", "User-Agent": f"mixflows/{__version__}"},
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
            trust_env=mixpanel.api_url is None,  # a proxy is no way to a server on this machine
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def export(self, first_day: date, last_day: date, target: Path) -> Body:
        """Downloads an export of days to a file, which is complete on the disk when this returns.

        Refusals by the limit are waited for; nothing else is tried again.

        Args:
            first_day: On the clock of the project's export: UTC, or local in projects from before 2023.
            last_day: Likewise, included.
            target: Replaced; after an error it may hold a part of the body.

        Raises:
            PassingError: No answer, a server's fault, or the body was cut off where HTTP can tell.
            SettingsError: Mixpanel refuses the secret, the project or the days.
            FetchError: Any other refusal.
            OutputError: The file cannot be written.
            StoppedError: The work was stopped.
        """
        params = {"from_date": str(first_day), "to_date": str(last_day)}
        if self._is_service_account:
            params["project_id"] = str(self._project)
        if self._time_in_ms:
            params["time_in_ms"] = "true"
        while True:
            number = self._limiter.take_turn()
            asked_at = self._clock.now()
            with self._answer(params, number) as response:
                is_refused = response.status_code == TOO_MANY
                retry_after = self._retry_after(response.headers.get("Retry-After"))
                self._limiter.answered(number, refused=is_refused, retry_after=retry_after)
                if is_refused:
                    continue
                self._raise_for(response, first_day, last_day)
                return self._write(response, asked_at, target)

    @contextmanager
    def _answer(self, params: dict[str, str], number: int) -> Generator[httpx.Response]:
        try:
            with self._http.stream("GET", PATH, params=params) as response:
                yield response
        except httpx.TimeoutException as err:
            self._limiter.answered(number, refused=False)
            raise PassingError(f"nothing came for {self._read_seconds:g} seconds") from err
        except httpx.TransportError as err:
            self._limiter.answered(number, refused=False)
            raise PassingError(f"the connection failed: {self._words(str(err) or type(err).__name__)}") from err

    def _retry_after(self, header: str | None) -> float | None:
        """Seconds; the header has them, or a date."""
        if not header:
            return None
        try:
            return max(0.0, float(header))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - self._clock.now())
        except ValueError:
            return None

    def _write(self, response: httpx.Response, asked_at: float, target: Path) -> Body:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in {"gzip", "identity"}:
            raise FetchError(f"Mixpanel's answer is encoded as {self._words(encoding)}, which was not asked for")
        size, last = 0, b"\n"
        try:
            with target.open("wb") as file:
                if response.status_code != NOT_FOUND:
                    for block in response.iter_raw(1 << 16):
                        self._clock.go_on()
                        file.write(block)
                        size, last = size + len(block), block[-1:]
                file.flush()
                os.fsync(file.fileno())
        except OSError as err:
            raise cannot_write(target.parent, err.strerror) from err
        is_gzip = encoding == "gzip" and response.status_code != NOT_FOUND
        if is_gzip and size == 0:
            raise PassingError("the body was cut off before its first byte")
        return Body(asked_at, is_gzip, size, ends_with_line_feed=last == b"\n")

    def _raise_for(self, response: httpx.Response, first_day: date, last_day: date) -> None:
        """Raises the error that a status or a page in place of events stands for; 404 is a day without events."""
        status = response.status_code
        days = f"{first_day}" if first_day == last_day else f"{first_day} to {last_day}"
        if "html" in response.headers.get("Content-Type", "").lower():
            if status >= SERVER_FAULTS:
                raise PassingError(f"Mixpanel answered with status {status}")
            raise FetchError(
                f"the answer for {days} is an HTML page (status {status}), not events; nothing of it was landed",
                "Look at mixpanel.api_url and at proxies between here and Mixpanel, then run the same command.",
            )
        if status in {200, NOT_FOUND}:
            return
        said = self._said(response)
        if status >= SERVER_FAULTS:
            raise PassingError(f"Mixpanel answered with status {status}{said}")
        if status == 400 and "later than today" in said:
            raise SettingsError(
                f"Mixpanel says that {last_day} is not there yet in the project's time zone",
                "Check project_timezone and landing.time_zone: they must be the project's.",
            )
        if status == 401 or (status == 400 and "authenticate" in said):
            raise SettingsError(
                f"Mixpanel does not accept the credentials (status {status}{said})",
                "Check mixpanel.service_account, mixpanel.region and the secret in MIXFLOWS_MIXPANEL__SECRET.",
            )
        if status == 403:
            raise SettingsError(
                f"the credentials may not export project {self._project} (status 403{said})",
                "Check mixpanel.project_id and mixpanel.region, and give the service account a role in that project.",
            )
        if status == 402:
            raise FetchError(
                f"the plan of project {self._project} has no raw exports (status 402{said})",
                "Change the plan, or land files that were exported otherwise: mixflows land.",
            )
        raise FetchError(
            f"Mixpanel refuses the export of {days} with status {status}{said}",
            "Check mixpanel.api_url and mixpanel.region. The days remain due: the same command asks for them again.",
        )

    def _said(self, response: httpx.Response) -> str:
        """What the body gives as the reason, after a colon; an empty text where it gives none."""
        head = b""
        for block in response.iter_bytes():
            head += block
            if len(head) >= HEAD_BYTES:
                break
        text = head.decode(errors="replace")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if isinstance(value, dict):
            value = cast("dict[str, Any]", value).get("error", "")
        return f": {self._words(str(value))}" if value else ""

    def _words(self, text: str) -> str:
        return plain(" ".join(text.replace(self._secret, "***").split()), LONGEST_WORDS)
