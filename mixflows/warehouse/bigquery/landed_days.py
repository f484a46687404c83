"""Dates landed rows in another time zone of the project, in the source and where they are published.

Days and instants are found by constants that Python computes, as where files are read. What is written is one transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mixflows.days import FIRST_DAY, FURTHEST, LAST_DAY, MICROS_PER_UNIT, ClockRun, clock_runs, each_day, micros
from mixflows.settings import Settings
from mixflows.warehouse.base import BatchDay
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import BigQueryDialect, quote
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.together import in_transaction
from mixflows.warehouse.dialect import instant_of_reading
from mixflows.warehouse.source import PUBLISHED_DAY, SOURCE_FILE, Source
from mixflows.warehouse.transpile import literal


class LandedDays:
    """Dates landed rows.

    Args:
        jobs: Runs the statements.
        dataset: Names the tables.
        settings: Name the project's time zone.
        source: The source's columns and roles.
        rendered: A statement of `sql/`, by its name, with further names.
    """

    def __init__(
        self, jobs: Jobs, dataset: Dataset, settings: Settings, source: Source, rendered: Callable[..., str]
    ) -> None:
        self._jobs, self._dataset, self._settings, self._source = jobs, dataset, settings, source
        self._rendered = rendered
        self._zone = literal(settings.project_timezone)
        loaded_at = source.loaded_at
        self._of_landing = f"l.file_name = t.{quote(SOURCE_FILE)}"
        self._of_landing += f" AND l.landed_at = t.{quote(loaded_at.name)}" if loaded_at else ""

    def date_anew(self) -> None:
        """Dates rows that were dated in another time zone; writes nothing where there are none.

        Raises:
            WarehouseError: BigQuery refuses something; then nothing was dated.
        """
        names = {"zone": self._zone}
        stale = self._jobs.run(self._rendered("land_stale", short_lived=names), {}, Step("land_stale"))
        if stale:
            days = [row["day"] for row in stale]
            units = sorted({row["unit"] for row in stale if row["unit"] is not None})
            self._jobs.run(in_transaction(self.statements(days, units)), {}, Step("land_days"))

    def statements(self, days: Sequence[date | None], units: Sequence[str]) -> list[str]:
        """What dates the rows.

        Args:
            days: Those that they are dated in, None for rows of no day.
            units: The units of their times, where these count on the project's wall clock.
        """
        texts: list[str] = []
        dialect = self._dialect(days)
        name, day = self._source.time.name, self._source.day
        found = dialect.day_of(f"UNIX_MICROS(t.{quote(name)})")
        own = [day.name] if day else []
        for role in ("source", "events", "rejected"):
            dated = own if role == "source" else list(dict.fromkeys([*own, PUBLISHED_DAY]))
            names = {
                "target": quote(self._dataset.table_id(role)),
                "any_day": "TRUE" if role == "source" else _any_day(),
            }
            for unit in units:
                more = {"time": quote(name), "instant_us": self._instant_us(days, unit), "unit": literal(unit)}
                texts.append(self._text("land_times", names | more))
            if dated:
                set_days = ", ".join(f"{quote(column)} = {found}" for column in dated)
                texts.append(self._text("land_days", names | {"dated": set_days}))
        loaded_at = self._source.loaded_at
        counted = {
            "day": f"t.{quote(day.name)}" if day else found,
            "landing_of_row": _landing(f"t.{quote(SOURCE_FILE)}", loaded_at and f"t.{quote(loaded_at.name)}"),
            "landing_of_log": _landing("l.file_name", loaded_at and "l.landed_at"),
        }
        return [*texts, self._text("land_redated", counted), self._text("land_dated", {})]

    def _text(self, name: str, names: Mapping[str, Any]) -> str:
        return self._rendered(name, short_lived={"zone": self._zone, "of_landing": self._of_landing, **names})

    def _dialect(self, days: Sequence[date | None]) -> BigQueryDialect:
        return BigQueryDialect("", [BatchDay.of(day, self._settings) for day in _near(days)], self._settings.zone)

    def _instant_us(self, days: Sequence[date | None], unit: str) -> str:
        delivered = "SAFE_CAST(JSON_VALUE(t.`properties`, '$.time') AS NUMERIC)"
        reading = f"CAST({delivered} * {MICROS_PER_UNIT[unit]} AS INT64)"
        return instant_of_reading(reading, _clock_runs(_near(days), self._settings.zone))


def _near(days: Sequence[date | None]) -> list[date]:
    """The days that rows may be of in any time zone; those at both ends of time for rows that were of none."""
    ends = [FIRST_DAY, LAST_DAY] if None in days else []
    near = {day for known in [*ends, *filter(None, days)] for day in each_day(known - FURTHEST, known + FURTHEST)}
    return [day for day in sorted(near) if FIRST_DAY <= day <= LAST_DAY]


def _clock_runs(days: Sequence[date], zone: ZoneInfo) -> list[ClockRun]:
    """How readings of the zone's clock on some days become instants: no more constants than those days need."""
    runs: list[ClockRun] = []
    for n, day in enumerate(days):
        start, end = (micros(datetime.combine(at, time.min, tzinfo=UTC)) for at in (day, day + timedelta(days=1)))
        follows = n > 0 and days[n - 1] + timedelta(days=1) == day
        found = clock_runs(start, end, zone)
        if not follows:
            at_start = [run for run in found if run.from_us <= start]
            runs.append(replace(at_start[-1], from_us=start))
        runs += [run for run in found if run.from_us > runs[-1].from_us]
    return runs


def _any_day() -> str:
    day = f"t.{quote(PUBLISHED_DAY)}"
    return f"({day} >= DATE '0001-01-01' OR {day} IS NULL)"


def _landing(file_name: str, loaded_at: str | None) -> str:
    return f"CONCAT({file_name}, '/', CAST(UNIX_MICROS({loaded_at}) AS STRING))" if loaded_at else file_name
