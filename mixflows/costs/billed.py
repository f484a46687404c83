"""What the runs were billed, by the ledger: per day, step and million events, and against a rebuild at every run."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from mixflows.model import Status, StepCost, known_sum
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.base import Billing, Warehouse

TIB = 2**40
SLOT_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class DayCost:
    """What one day was billed over all attempts.

    Attributes:
        attempts: How often it was taken.
        events: Kept copies when it was published last; None if it never was.
    """

    day: date
    attempts: int
    events: int | None
    bytes_billed: int
    slot_ms: int | None


@dataclass(frozen=True)
class Costs:
    """What all runs were billed.

    Attributes:
        days: Ascending.
        steps: Each over all days and attempts, the dearest first.
        runs: How many runs were billed.
        source_bytes: The source's whole history as it is now; None where metadata do not tell.
        price_per_tib: Money per TiB, by the setting.
    """

    days: tuple[DayCost, ...]
    steps: tuple[StepCost, ...]
    runs: int
    source_bytes: int | None
    price_per_tib: float

    @property
    def bytes_billed(self) -> int:
        """Of all days."""
        return sum(day.bytes_billed for day in self.days)

    @property
    def slot_ms(self) -> int | None:
        """Of all days, as far as they tell."""
        return known_sum([day.slot_ms for day in self.days])

    @property
    def events(self) -> int:
        """Published events of the days that were billed."""
        return sum(day.events or 0 for day in self.days)

    @property
    def bytes_per_day(self) -> float:
        """Of one day, once."""
        return self.bytes_billed / sum(day.attempts for day in self.days)

    @property
    def bytes_per_million_events(self) -> float | None:
        """None before the first event."""
        return self.bytes_billed / self.events * 1_000_000 if self.events else None

    @property
    def rebuild_bytes(self) -> int | None:
        """What the same number of runs would have read at least, had each rebuilt the whole history as it is now."""
        return None if self.source_bytes is None else self.source_bytes * self.runs

    @property
    def saving(self) -> float | None:
        """The share of `rebuild_bytes` that was not billed; negative where days cost more than a rebuild."""
        return 1 - self.bytes_billed / self.rebuild_bytes if self.rebuild_bytes else None

    def money(self, bytes_billed: float) -> float:
        """What bytes cost, in the unit of the setting."""
        return bytes_billed / TIB * self.price_per_tib


def read_costs(warehouse: Warehouse, settings: Settings) -> Costs | None:
    """Reads what the ledger tells of costs.

    Returns:
        None where nothing was billed, as on DuckDB.

    Raises:
        WarehouseError: The ledger cannot be read.
    """
    rows = warehouse.query("costs", {})
    if not any(row["bytes_billed"] for row in rows):
        return None
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_day[row["partition_date"]].append(row)
    return Costs(
        days=tuple(_day(day, attempts) for day, attempts in sorted(by_day.items())),
        steps=_steps(rows),
        runs=len({row["run_id"] for row in rows}),
        source_bytes=(warehouse.source_bytes() or None) if isinstance(warehouse, Billing) else None,
        price_per_tib=settings.bigquery.price_per_tib,
    )


def _day(day: date, attempts: Sequence[Mapping[str, Any]]) -> DayCost:
    events = [row["kept_rows"] for row in attempts if row["status"] in (Status.PUBLISHED, Status.UNCHANGED)]
    return DayCost(
        day=day,
        attempts=len(attempts),
        events=events[-1] if events else None,
        bytes_billed=sum(int(row["bytes_billed"]) for row in attempts),
        slot_ms=known_sum([row["slot_ms"] for row in attempts]),
    )


def _steps(rows: Sequence[Mapping[str, Any]]) -> tuple[StepCost, ...]:
    by_step: dict[str, list[dict[str, Any]]] = defaultdict(list)
    jobs: dict[str, dict[object, int]] = defaultdict(dict)
    for row in rows:
        # The days of a batch have a share each of its bytes and slot time, and its jobs in common.
        batch = row["batch_id"] or (row["run_id"], row["attempt"], row["partition_date"])
        for step in json.loads(row["step_costs"] or "[]"):
            by_step[step["step"]].append(step)
            jobs[step["step"]][batch] = step["jobs"]
    totals = [
        StepCost(
            name,
            sum(jobs[name].values()),
            sum(step["bytes_billed"] or 0 for step in steps),
            known_sum([step["slot_ms"] for step in steps]),
        )
        for name, steps in by_step.items()
    ]
    return tuple(sorted(totals, key=lambda total: (-(total.bytes_billed or 0), total.step)))


def costs_json(costs: Costs) -> dict[str, Any]:
    """The costs for programs: every field and every figure that follows from them."""
    figures = (
        "bytes_billed",
        "slot_ms",
        "events",
        "bytes_per_day",
        "bytes_per_million_events",
        "rebuild_bytes",
        "saving",
    )
    return {**asdict(costs), **{name: getattr(costs, name) for name in figures}}


def spoken_bytes(value: float) -> str:
    """Bytes in the unit that suits them: 1.5 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.2f} TiB"


def spoken_money(value: float) -> str:
    """Money in the unit of the price, with as many places as it needs."""
    return f"{value:,.2f}" if value >= 1 else f"{value:.4f}" if value >= 0.0001 else "below 0.0001"


def spoken_slots(slot_ms: int) -> str:
    """Slot time in hours."""
    return f"{slot_ms / SLOT_MS_PER_HOUR:,.2f} slot-hours"


def spoken_seconds(value: float) -> str:
    """A time span in the unit that suits it: 40 s, 12 min, 3.5 h."""
    if value < 120:
        return f"{max(value, 1):.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:,.1f} h"


def in_words(costs: Costs) -> list[str]:
    """The costs in sentences: what was billed, and what rebuilding would have read."""
    price, per_million = costs.price_per_tib, costs.bytes_per_million_events
    total = costs.bytes_billed
    billed = (
        f"Billed: {spoken_bytes(total)}, {spoken_money(costs.money(total))} at {price:g} per TiB;"
        f" {spoken_money(costs.money(costs.bytes_per_day))} per day"
    )
    if per_million is not None:
        billed += f", {spoken_money(costs.money(per_million))} per million events"
    if costs.slot_ms is not None:
        billed += f"; {spoken_slots(costs.slot_ms)}"
    sentences = [f"{billed}."]
    if costs.rebuild_bytes and costs.saving is not None and costs.source_bytes:
        runs = counted(costs.runs, "run")
        outcome = f"{costs.saving:.1%} saved" if costs.saving >= 0 else f"{-costs.saving:.1%} more than that was billed"
        sentences.append(
            f"Rebuilding the whole history of {spoken_bytes(costs.source_bytes)} in each of {runs} would have read"
            f" {spoken_bytes(costs.rebuild_bytes)} ({spoken_money(costs.money(costs.rebuild_bytes))}): {outcome}."
        )
    return sentences
