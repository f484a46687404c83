"""One row of each table that the engine appends to."""

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from mixflows.model import LedgerRow


def ledger_row(day: date, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(column.name for column in fields(LedgerRow))
    texts = dict.fromkeys(("plan_reason", "status", "source_version", "rules_version", "thresholds_version"), "x")
    values |= texts | dict.fromkeys(("engine", "note", "error"), "")
    return values | {
        "run_id": "conformance",
        "attempt": 1,
        "partition_date": day,
        "source_rows": 5,
        "duplicate_rate": 0.25,
        "started_at": now,
        "finished_at": now,
    }


def quality_row(day: date, now: datetime) -> dict[str, Any]:
    return {
        "run_id": "conformance",
        "attempt": 1,
        "partition_date": day,
        "suite": "figures",
        "expectation": "duplicate_rate",
        "severity": "warning",
        "success": True,
        "observed_value": 0.0011,
        "threshold": None,
        "unexpected_count": None,
        "note": "",
        "checked_at": now,
    }


def profile_row(day: date, now: datetime) -> dict[str, Any]:
    head = {"run_id": "conformance", "attempt": 1, "partition_date": day}
    return {**head, "profile": "{}", "profiled_at": now}
