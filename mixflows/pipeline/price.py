"""What a plan will cost, before it is run: bytes by dry runs, slot time and time by what earlier runs took."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from mixflows.costs.billed import TIB
from mixflows.costs.model import seconds_of, slot_ms_of
from mixflows.model import Plan, PlannedDay, PlanReason, Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.stage import BatchStatements
from mixflows.settings import Settings
from mixflows.warehouse.base import Billing, Warehouse

DRY_RUNS_AT_ONCE = 8


@dataclass(frozen=True)
class DayPrice:
    """What one planned day will cost.

    Attributes:
        bytes_billed: By dry runs of its statements; None where the engine bills nothing or does not tell.
        slot_ms: By the slot time per row of earlier days or, before there are any, by the model; None without either.
    """

    day: date
    bytes_billed: int | None
    slot_ms: int | None


@dataclass(frozen=True)
class Price:
    """What a plan will cost.

    Attributes:
        price_per_tib: The setting `bigquery.price_per_tib`.
        seconds: Wall-clock time by the rows per second of the last runs or, before there are any, by the model.
        modelled: Whether slot time and time are the model's.
        flagged_bytes: What a day bills besides if an expectation flags it, at most: its properties are read once more.
    """

    days: tuple[DayPrice, ...]
    price_per_tib: float
    seconds: float | None
    modelled: bool = False
    flagged_bytes: int | None = None

    @property
    def bytes_billed(self) -> int | None:
        """Of all days; None unless every day's are known."""
        return _sum([day.bytes_billed for day in self.days])

    @property
    def slot_ms(self) -> int | None:
        """Of all days; None unless every day's are known."""
        return _sum([day.slot_ms for day in self.days])

    def money(self, bytes_billed: int | None) -> float | None:
        """What bytes cost, in the unit of `price_per_tib`."""
        return None if bytes_billed is None else bytes_billed / TIB * self.price_per_tib


def price_plan(warehouse: Warehouse, settings: Settings, plan: Plan) -> Price:
    """Prices every planned day. Runs nothing but dry runs and two small queries of the ledger.

    Statements that read the day's staged table are priced over the source day, whose columns and rows it will have. A
    published day is assumed to have new events.

    Raises:
        WarehouseError: A statement would not run: a right or a table is missing.
    """
    prices = _bytes(warehouse, settings, plan.days)
    slot_ms_per_row = _slot_ms_per_row(warehouse)
    seconds = _seconds(warehouse, plan.source_rows)
    modelled = slot_ms_per_row is None and bool(prices)
    days = tuple(
        DayPrice(day.day, prices.get(day.day), _slot_ms(day, prices.get(day.day), slot_ms_per_row)) for day in plan.days
    )
    flagged = _flagged_bytes(warehouse, settings, plan.days) if prices else None
    price = Price(days, settings.bigquery.price_per_tib, seconds, modelled, flagged)
    if seconds is None and price.slot_ms is not None:
        new, at_once = sum(map(_is_new, plan.days)), settings.backfill.concurrency
        seconds = seconds_of(
            price.slot_ms,
            new,
            len(days) - new,
            rows_per_day=plan.source_rows / len(days),
            concurrency=at_once,
            row_checks=plan.check_rows,
        )
        return replace(price, seconds=seconds)
    return price


def _slot_ms(planned: PlannedDay, bytes_billed: int | None, slot_ms_per_row: float | None) -> int | None:
    if slot_ms_per_row is not None:
        return round(slot_ms_per_row * planned.source_rows)
    if bytes_billed is None:
        return None
    return slot_ms_of(bytes_billed, "new" if _is_new(planned) else "changed")


def _is_new(planned: PlannedDay) -> bool:
    return planned.reason is PlanReason.NEW or planned.published_version is None


def _bytes(warehouse: Warehouse, settings: Settings, days: Sequence[PlannedDay]) -> dict[date, int]:
    """Bytes by day, as far as they are known. The first day tells whether the engine has an answer at all."""
    with_rows = [planned for planned in days if planned.source_rows]
    if not isinstance(warehouse, Billing) or not with_rows:
        return {}
    context = RunContext(warehouse, settings, Run("price"))
    if (first := _day_bytes(context, warehouse, with_rows[0])) is None:
        return {}
    with ThreadPoolExecutor(DRY_RUNS_AT_ONCE) as pool:
        priced = pool.map(partial(_day_bytes, context, warehouse), with_rows[1:])
        known = {planned.day: found for planned, found in zip(with_rows[1:], priced, strict=True) if found is not None}
    gone = {planned.day: 0 for planned in days if not planned.source_rows}
    return gone | known | {with_rows[0].day: first}


def _day_bytes(context: RunContext, billing: Billing, planned: PlannedDay) -> int | None:
    """Bytes of a day with rows; None where the first statement, which reads them, reads nothing: its bytes were not counted."""
    statements = BatchStatements(context, planned.day, [planned])

    def price(name: str, *flags: str, replaces: str | None = None) -> int:
        return billing.price(statements.statement(name, [planned.day], *flags), replaces)

    if not (events := price("events_next")):
        return None
    found = [events, price("copies"), price("profile"), price("rejected_next")]
    found += [price("published_counts"), price("published_counts", "keys")]
    if _is_new(planned):
        found += [price("winners"), price("whole_rejected", replaces="rejected")]
    else:
        found += [price("touched"), price("changes", "touched"), price("added_events"), price("delta_rejected")]
    return sum(found)


def _flagged_bytes(warehouse: Warehouse, settings: Settings, days: Sequence[PlannedDay]) -> int | None:
    if not isinstance(warehouse, Billing):
        return None
    largest = max(days, key=lambda day: day.source_rows)
    statements = BatchStatements(RunContext(warehouse, settings, Run("price")), largest.day, [largest])
    return warehouse.price(statements.statement("breakdown", [largest.day]))


def _slot_ms_per_row(warehouse: Warehouse) -> float | None:
    rows = [row for row in warehouse.query("ledger_latest") if row["slot_ms"] is not None and row["source_rows"]]
    source_rows = sum(int(row["source_rows"]) for row in rows)
    return sum(int(row["slot_ms"]) for row in rows) / source_rows if source_rows else None


def _seconds(warehouse: Warehouse, source_rows: int) -> float | None:
    runs = warehouse.query("report_runs")
    rows = sum(int(run["source_rows"]) for run in runs)
    if not rows:
        return None
    return sum((run["finished_at"] - run["started_at"]).total_seconds() for run in runs) / rows * source_rows


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None
