"""What comparing a delivery of whole days with the source reads, told from the text of the statements."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.billed import reads
from mixflows.intake.slots import Delivery
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.slots import slot_statements
from mixflows.warehouse.slots import SHORT_LIVED
from mixflows.warehouse.source import GONE_SINCE, Column, Source
from tests.spec.engines import LANDED

COLUMNS: Mapping[str, str] = LANDED | {"customer_id": "STRING"}
NARROW = {"mp_insert_id", "mp_event_name", "mp_processing_time_ms", "time", "partition_date", GONE_SINCE}
OF_THE_COPY = {"loaded_at", "source_file"}


def columns_read(statement: str, flags: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """The columns that a statement reads of the source and of the delivered rows."""
    settings = Settings.model_validate(
        {"warehouse": {"engine": "bigquery"}, "bigquery": {"project": "p", "dataset": "d"}}
    )
    source = Source.of(tuple(Column(name, kind, kind) for name, kind in COLUMNS.items()), settings, marks_gone=True)
    slot = Delivery(Path("day.jsonl"), "mixpanel/1/2026-07-02", date(2026, 7, 2), date(2026, 7, 2), "mixpanel")
    tables = {role: f"`p.d.{role}`" for role in SHORT_LIVED}
    no_client: Any = None
    text = slot_statements(Dataset(no_client, settings), settings, source, slot, tables).render(statement, flags)
    known = {"mp_master_event": [*COLUMNS, GONE_SINCE], "incoming": list(COLUMNS)}
    return {read.table: set(read.columns) for read in reads(text, known)}


@pytest.mark.parametrize("statement", ["slot_days", "slot_other_unit"])
def test_counting_a_slot_reads_narrow_columns(statement: str) -> None:
    read = columns_read(statement)
    assert read.keys() == {"mp_master_event", "incoming"}
    assert read["mp_master_event"] | read["incoming"] <= NARROW


def test_comparing_a_slot_reads_the_content_and_nothing_about_the_copies() -> None:
    content = COLUMNS.keys() - OF_THE_COPY
    assert columns_read("slot_touched") == {"mp_master_event": content | {GONE_SINCE}, "incoming": content}
    assert columns_read("slot_touched_events") == {}


def test_counting_what_only_the_delivery_has_reads_its_key() -> None:
    assert columns_read("slot_counts", ("added",)) == {"incoming": {"mp_insert_id", "time", "partition_date"}}
