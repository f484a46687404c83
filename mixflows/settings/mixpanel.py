"""The sections `[mixpanel]` and `[fetch]` of the settings: where events are exported from, as whom, and how fast."""

from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_core import Url

from mixflows.settings.base import Frozen, none_word
from mixflows.settings.paths import folder_path


class MixpanelSettings(Frozen):
    """The Mixpanel project that `fetch` exports events from, and the credentials."""

    project_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    """The project's id; Mixpanel shows it in the project settings."""
    region: Literal["us", "eu", "in"] = "us"
    """Where Mixpanel keeps the project's data."""
    service_account: Annotated[str | None, BeforeValidator(none_word)] = None
    """The user name of a service account. Without one, the secret is the project's own API secret."""
    secret: SecretStr | None = None
    """The secret of the service account or project. It comes from the environment (`MIXFLOWS_MIXPANEL__SECRET`) or a block only."""
    secret_block: Annotated[str | None, BeforeValidator(none_word)] = None
    """The name of a Prefect Secret block that holds the secret; overrides `secret`."""
    first_day: date | None = None
    """The first day to fetch. Without it, only requested days are fetched, and fetched days again."""
    api_url: Annotated[str | None, BeforeValidator(none_word)] = None
    """Another address of the API: a server on this machine, or one with HTTPS."""

    @property
    def address(self) -> str:
        """The address of the export API, by region unless `api_url` names another.

        Source: https://developer.mixpanel.com/reference/raw-event-export
        """
        if self.api_url is not None:
            return self.api_url.rstrip("/")
        suffix = "" if self.region == "us" else f"-{self.region}"
        return f"https://data{suffix}.mixpanel.com"

    @field_validator("service_account")
    @classmethod
    def _is_user(cls, value: str | None) -> str | None:
        if value is not None and (not value or ":" in value):
            raise ValueError("it is the user name alone; the secret comes from MIXFLOWS_MIXPANEL__SECRET")
        return value

    @field_validator("api_url")
    @classmethod
    def _keeps_the_secret(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = Url(value)
        except ValueError:  # which is not told: an address may hold a password
            raise ValueError("it is not the address of a server, such as http://127.0.0.1:8700") from None
        if url.username or url.password or url.query or url.fragment:
            raise ValueError("it is an address with a user, query or fragment; name scheme, host and port only")
        if url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(url.host or "")):
            raise ValueError("the secret would travel unencrypted; use https, or a server on loopback")
        return value


class FetchSettings(Frozen):
    """How days are fetched from Mixpanel."""

    queries_per_hour: int = Field(default=55, ge=1, le=60)
    """Queries in any 60 minutes. Mixpanel allows a project 60; the rest is left to other programs."""
    concurrency: int = Field(default=4, ge=1, le=16)
    """Concurrent downloads."""
    again_after_days: tuple[Annotated[int, Field(ge=1, le=365)], ...] = (1, 2, 3, 5, 7, 14, 30, 45)
    """Ages, in days after a day's end, at which the day is fetched again for late, merged and deleted events."""
    days_per_query: int = Field(default=7, ge=1, le=31)
    """The maximum number of consecutive days per query."""
    folder: Annotated[Path, BeforeValidator(folder_path)] = Path("mixflows-fetch")
    """The folder of downloads, of the log of fetches and of the hour's queries."""
    keep_files: bool = False
    """Whether downloaded files are kept after they are landed."""

    @field_validator("again_after_days")
    @classmethod
    def _ascends(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("the ages must ascend, such as [1, 3, 7, 30]")
        return value


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
