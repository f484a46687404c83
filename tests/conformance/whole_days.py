"""The statements of whole days that are delivered again, as the BigQuery engine sends them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mixflows.intake.slots import Delivery
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.slots import slot_statements
from mixflows.warehouse.slots import SHORT_LIVED
from mixflows.warehouse.source import Source

SLOT_STATEMENTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("slot_days", ()),
    ("slot_other_unit", ()),
    ("slot_touched", ()),
    ("slot_touched_events", ()),
    ("slot_rows", ()),
    ("slot_counts", ()),
    ("slot_counts", ("added",)),
    ("slot_insert", ()),
    ("slot_insert", ("touched",)),
    ("slot_write", ()),
    ("slot_malformed", ()),
    ("slot_log_counts", ()),
    ("slot_write_malformed", ()),
    ("slot_alone", ()),
    ("gone_slots", ()),
    ("gone_days", ()),
)
COMPARING = ("slot_days", "slot_other_unit", "slot_touched", "slot_rows")
"""Those that read a source before it marks copies that are gone."""
SLOT_PARAMETERS = {
    **dict.fromkeys(("start_at", "end_at", "landed_at"), datetime(2026, 4, 1, 12, tzinfo=UTC)),
    **dict.fromkeys(("first_day", "last_day"), date(2026, 3, 29)),
    "slot": "mixpanel/1/2026-03-29..2026-03-30",
    **dict.fromkeys(("inside_days", "known_days"), "2026-03-29,2026-03-30"),
    "project_timezone": "Europe/Berlin",
    "landings": 1,
}


def slot_texts(
    dataset: Dataset, settings: Settings, source: Source, days: Sequence[date]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Names, texts and values, tables before what reads them.

    Args:
        source: Does not mark copies that are gone; the source does once it has been compared.
        days: The slot's, in order.
    """
    tables = {role: quote(dataset.short_lived_id(f"slot_{role}")) for role in SHORT_LIVED}
    names = {role: quote(dataset.table_id(role)) for role in ("source", "malformed")}
    for role, table in (("incoming", names["source"]), ("incoming_malformed", names["malformed"])):
        yield "filled by load jobs", f"CREATE TABLE {tables[role]} AS SELECT * FROM {table}", {}
    slot = Delivery(Path("day.jsonl"), SLOT_PARAMETERS["slot"], days[0], days[-1], "mixpanel")
    marking = replace(source, marks_gone=True)
    unmarked = f"(SELECT h.*, CAST(NULL AS TIMESTAMP) AS gone_since FROM {names['source']} AS h)"
    comparing = slot_statements(dataset, settings, marking, slot, tables | {"source": unmarked})
    for name in COMPARING:
        yield name, comparing.render(name), SLOT_PARAMETERS
    marked = f"SELECT *, CAST(NULL AS TIMESTAMP) AS gone_since FROM {tables['incoming']}"
    yield "the mark of gone copies", f"CREATE OR REPLACE TABLE {names['source']} AS {marked}", {}
    statements = slot_statements(dataset, settings, marking, slot, tables)
    for name, flags in SLOT_STATEMENTS:
        yield name, statements.render(name, flags), SLOT_PARAMETERS
