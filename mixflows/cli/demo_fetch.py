"""The demo's deliveries by Mixpanel's raw export API, of which a stand-in answers on this machine."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from mixflows.cli.output import console, number
from mixflows.days import DayRange
from mixflows.demo.generator import DemoExport
from mixflows.demo.restated import Lines, Restated, add_by_day, restate
from mixflows.mixpanel.clock import Clock
from mixflows.pipeline.fetch import FetchedDays, fetch, plan_fetch
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.text import counted

FETCHED_AT_HOUR = 4
"""The hour of the night, UTC, in which days are fetched."""


class DemoClock(Clock):
    """A clock that stands still; a wait moves it on at once. It makes the month's nights pass without waiting."""

    def __init__(self, day: date) -> None:
        super().__init__()
        self._now = datetime(day.year, day.month, day.day, FETCHED_AT_HOUR, tzinfo=UTC).timestamp()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Moves the clock on."""
        self.go_on()
        self._now += seconds


@dataclass(frozen=True)
class Fetched:
    """What fetches brought, in rows."""

    new_rows: int
    restated_rows: int
    gone_rows: int


class MixpanelDeliveries:
    """Fetches what the generator exported from a stand-in of Mixpanel, which restates some of it before the second fetch.

    Args:
        config: The settings' file.
        export: What the project has.
        lines: What the stand-in serves; filled here.
        url: Its address.
    """

    def __init__(self, config: Path, export: DemoExport, lines: Lines, url: str) -> None:
        self._config, self._export, self._lines, self._url = config, export, lines, url

    def first(self) -> Fetched:
        """Fetches the month, in the night after its last day."""
        add_by_day(self._lines, self._export.first_files)
        return self._fetch(self._export.spec.last_day)

    def later(self) -> tuple[Fetched, Restated]:
        """Lets Mixpanel restate days of the month, and fetches every day again, in the night after the new day."""
        spec = self._export.spec
        restated = restate(self._lines, self._export.later_files, spec)
        return self._fetch(spec.new_day), restated

    def _fetch(self, last_day: date) -> Fetched:
        clock = DemoClock(last_day + timedelta(days=1))
        settings = self._settings()
        plan = plan_fetch(settings, DayRange(self._export.spec.first_day, last_day), clock)
        results: list[FetchedDays] = fetch(settings, plan, clock, lambda _: None)
        for failed in (result for result in results if result.error):
            console.print(f"{failed} {failed.status}: {failed.error}")
        done = [result.superseded for result in results if result.superseded]
        fetched = Fetched(
            new_rows=sum(each.new for each in done),
            restated_rows=sum(each.restated for each in done),
            gone_rows=sum(each.gone for each in done),
        )
        statuses = Counter(result.status for result in results)
        console.print(
            f"{counted(plan.days, 'day')} in {counted(len(plan.queries), 'query', 'queries')}:"
            f" {', '.join(f'{number(count)} {status}' for status, count in sorted(statuses.items()))};"
            f" {counted(fetched.new_rows, 'row')} new, {number(fetched.restated_rows)} restated, {number(fetched.gone_rows)} gone"
        )
        return fetched

    def _settings(self) -> Settings:
        named = [
            "mixpanel.project_id=1234567",
            "mixpanel.service_account=export.bot",
            f"mixpanel.api_url={self._url}",
            "fetch.days_per_query=1",
        ]
        settings = load_settings(self._config, parse_assignments(named))
        mixpanel = settings.mixpanel.model_copy(update={"secret": SecretStr("s3cret")})
        return settings.model_copy(update={"mixpanel": mixpanel})
