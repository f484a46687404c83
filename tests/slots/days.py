"""Days that are delivered as a whole, again and again, into one warehouse that is emptied between examples."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from mixflows.intake.slots import Delivery, Superseded
from mixflows.pipeline.land import supersede
from tests.spec.engines import Row
from tests.spec.project import Project

DAY = date(2026, 7, 2)
TABLES = ("events", "rejected", "ledger", "quality", "profiles", "landings", "malformed")


def at(clock: str, day: date = DAY) -> datetime:
    """An instant of a day in UTC, by its clock."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=UTC)


def line(
    insert_id: str | None, clock: str = "10:00:00", arrived_s: int = 60, user: str = "u1", **properties: Any
) -> str:
    """One line of an export, as Mixpanel writes it.

    Args:
        arrived_s: Seconds from the event to its processing.
    """
    return event(insert_id, at(clock), arrived_s, user, **properties)


def event(insert_id: str | None, instant: datetime, arrived_s: int = 60, user: str = "u1", **properties: Any) -> str:
    """The same, at an instant."""
    seconds = int(instant.timestamp())
    members = {"time": seconds, "distinct_id": user, "$insert_id": insert_id}
    members |= {"mp_processing_time_ms": (seconds + arrived_s) * 1000}
    return json.dumps({"event": "Open", "properties": members | properties})


@dataclass
class Days:
    """A project whose days are delivered as a whole."""

    project: Project
    folder: Path

    def file(self, lines: Sequence[str], name: str = "day.jsonl") -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def deliver(
        self,
        *lines: str,
        first: date = DAY,
        last: date | None = None,
        slot: str | None = None,
        accept_shrink: Collection[date] = (),
        feed: Any = "mixpanel",
    ) -> Superseded:
        """Delivers days; by default one."""
        last = last or first
        delivery = Delivery(
            self.file(lines), slot or f"mixpanel/1/{first}..{last}", first, last, feed, frozenset(accept_shrink)
        )
        return supersede(self.project.warehouse, self.project.settings, delivery)

    def run(self, mode: str = "due") -> None:
        """Runs without the gate; nothing may fail."""
        result = self.project.run(mode)
        assert result.exit_code == 0, [outcome.row.error for outcome in result.outcomes]

    def rows(self, table: str) -> list[Row]:
        return self.project.engine.rows(getattr(self.project.settings.tables, table))

    def clear(self) -> None:
        """Empties every table; the source is as before its first whole day."""
        self.project.create_source()
        for table in TABLES:
            self.project.engine.delete(getattr(self.project.settings.tables, table), {})


def counts(superseded: Superseded) -> dict[str, int]:
    """What a delivery did, without what is zero."""
    names = ("same", "restated", "new", "back", "gone")
    return {name: rows for name in names if (rows := getattr(superseded, name))}
