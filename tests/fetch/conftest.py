"""A stand-in of Mixpanel with ten days of events, and what fetches from it; all by one clock."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mixflows.mixpanel.client import ExportClient
from mixflows.mixpanel.download import Downloader
from mixflows.mixpanel.limiter import Limiter
from mixflows.mixpanel.memory import Memory
from mixflows.settings import Settings
from mixflows.settings.mixpanel import FetchSettings, MixpanelSettings
from mixflows.settings.warehouse import WarehouseSettings
from mixflows.warehouse import close_warehouses
from tests.fetch.clocks import SteppedClock
from tests.support.export_api import ExportApi

FIRST_DAY = date(2026, 6, 30)
DAYS = 10
EVENTS = 40
SECRET = "s3cret-of-the-project"


def event(day: date, n: int, **properties: object) -> dict[str, Any]:
    time = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + n
    usual = {"time": time, "distinct_id": f"u{n}", "$insert_id": f"{day}-{n}", "mp_processing_time_ms": time * 1000}
    return {"event": "view", "properties": usual | properties}


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def api(clock: SteppedClock) -> Iterator[ExportApi]:
    with ExportApi(secret=SECRET, now=clock.now) as running:
        for k in range(DAYS):
            day = FIRST_DAY + timedelta(days=k)
            running.put(day, [event(day, n) for n in range(EVENTS)])
        yield running


@pytest.fixture
def settings(request: pytest.FixtureRequest, api: ExportApi, tmp_path: Path) -> Iterator[Settings]:
    """On DuckDB, or on the engine that a test names for them."""
    place: dict[str, Any] = {"warehouse": WarehouseSettings(path=tmp_path / "mixflows.duckdb")}
    with ExitStack() as opened:
        if getattr(request, "param", "duckdb") == "bigquery":
            from tests.bigquery_engine.place import Place  # the client takes a second to import

            made = opened.enter_context(closing(Place(request.getfixturevalue("bigquery_api")))).settings({})
            place = {"warehouse": made.warehouse, "bigquery": made.bigquery}
        yield _settings(api, tmp_path, place)
        close_warehouses()


def _settings(api: ExportApi, folder: Path, place: dict[str, Any]) -> Settings:
    return Settings(
        **place,
        mixpanel=MixpanelSettings(
            project_id=api.project_id,
            service_account=api.user,
            secret=SecretStr(SECRET),
            api_url=api.url,
            first_day=FIRST_DAY,
        ),
        fetch=FetchSettings(folder=folder / "fetched"),
    )


@pytest.fixture
def client(settings: Settings, clock: SteppedClock) -> Iterator[ExportClient]:
    memory = Memory(settings.fetch.folder, settings.mixpanel.project_id or 0)
    made = ExportClient(settings, Limiter(memory, 55, clock), clock, read_seconds=0.3)
    yield made
    made.close()


@pytest.fixture
def downloader(client: ExportClient, settings: Settings, clock: SteppedClock) -> Downloader:
    return Downloader(client, settings.fetch.folder / "files", settings.landing, clock)
