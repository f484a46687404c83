"""Every statement, under every rule and for every kind of source, as the BigQuery engine sends it; here it is kept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from itertools import cycle, product
from typing import Any

import sqlglot
from google.cloud.bigquery import ScalarQueryParameter
from sqlglot import exp

from mixflows.model import LedgerRow
from mixflows.settings import Settings
from mixflows.warehouse.base import DayStatement, DayTables
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from mixflows.warehouse.bigquery.jobs import _bound
from mixflows.warehouse.rendering import Statements, quote
from mixflows.warehouse.source import INGESTION_DAY, Column, SourceShape

DAY = date(2026, 3, 29)
TABLES = DayTables.of(DAY, "conformance", 1)
PROJECT, DATASET = "a-project", "mixpanel"
SOURCE_HOME = "another-project.exports"

DAY_PARAMETERS = {
    "day": DAY,
    "day_start": datetime(2026, 3, 28, 23, tzinfo=UTC),
    "day_end": datetime(2026, 3, 29, 22, tzinfo=UTC),
    "day_start_ms": 1_774_738_800_000,
    "late_from_ms": 1_775_080_800_000,
    "tolerance_ms": 3_600_000,
    "run_id": "conformance",
    "attempt": 1,
    "now": datetime(2026, 4, 1, 12, tzinfo=UTC),
}
"""What a day's statements are given."""

BASE = {"mp_event_name": "STRING", "time": "TIMESTAMP", "distinct_id": "STRING", "mp_insert_id": "STRING"}
EVERY_TYPE = {
    "flag": "BOOL",
    "amount": "FLOAT64",
    "price": "NUMERIC",
    "tokens": "INT64",
    "born": "DATE",
    "seen_at": "DATETIME",
    "raw": "BYTES",
    "tags": "ARRAY<STRING>",
    "device": "STRUCT<os STRING, version INT64>",
    "properties": "JSON",
}
ARRIVALS = ("INT64", "TIMESTAMP", "loaded", "never")
EXPORT_LOG = {"from_date": "DATE", "to_date": "DATE", "exported_at": "TIMESTAMP"}
PARTITIONS = {
    "table_catalog": "STRING",
    "table_schema": "STRING",
    "table_name": "STRING",
    "partition_id": "STRING",
    "total_rows": "INT64",
    "total_logical_bytes": "INT64",
    "total_billable_bytes": "INT64",
    "last_modified_time": "TIMESTAMP",
    "storage_tier": "STRING",
}
"""Source: https://cloud.google.com/bigquery/docs/information-schema-partitions"""


@dataclass(frozen=True, eq=False)
class Case:
    """A kind of source and the rules for it."""

    columns: Mapping[str, str]
    sections: Mapping[str, Any]
    ingestion_partitioned: bool = False

    def __str__(self) -> str:
        rules = "-".join(str(value) for value in self.sections["pipeline"].values())
        day = "ingestion" if self.ingestion_partitioned else "day" if "partition_date" in self.columns else "bounds"
        arrival = self.columns.get("mp_processing_time_ms") or ("loaded" if "loaded_at" in self.columns else "never")
        more = [word for word, there in (("customer", "customer_id" in self.columns), ("wide", self.is_wide)) if there]
        return "-".join([rules, day, arrival, *more])

    @property
    def is_wide(self) -> bool:
        """Whether the source has a column of every type."""
        return EVERY_TYPE.keys() <= self.columns.keys()

    @property
    def settings(self) -> Settings:
        place = {
            "project": PROJECT,
            "dataset": DATASET,
            "source_project": SOURCE_HOME.split(".", maxsplit=1)[0],
            "source_dataset": SOURCE_HOME.split(".")[1],
            "api_endpoint": "http://127.0.0.1:9",  # nothing listens there
        }
        return Settings.model_validate({"warehouse": {"engine": "bigquery"}, "bigquery": place, **self.sections})

    @property
    def shape(self) -> SourceShape:
        return SourceShape.of(tuple(Column(name, kind, kind) for name, kind in self.columns.items()), self.settings)


def _case(rules: tuple[str, ...], day: str, arrival: str, customer: bool, *, wide: bool = False) -> Case:
    key, missing, deletes, keep = rules
    columns = dict(BASE)
    if arrival in ("INT64", "TIMESTAMP"):
        columns["mp_processing_time_ms"] = arrival
    if arrival != "never":
        columns |= {"loaded_at": "TIMESTAMP", "source_file": "STRING"}
    if customer:
        columns["customer_id"] = "STRING"
    columns |= EVERY_TYPE if wide else {"properties": "JSON"}
    if day == "column":
        columns["partition_date"] = "DATE"
    sections: dict[str, Any] = {
        "project_timezone": "Europe/Berlin",
        "pipeline": {"key": key, "missing_insert_id": missing, "source_deletes": deletes, "keep": keep},
    }
    if day == "ingestion":
        sections["columns"] = {"partition_date": INGESTION_DAY}
    return Case(columns, sections, ingestion_partitioned=day == "ingestion")


@cache
def cases() -> tuple[Case, ...]:
    """Every key with every policy, each pair of policies with every way to find the day; every arrival; every type."""
    keys, days = ("insert_id_time", "mixpanel", "mixpanel_day"), ("column", "bounds", "ingestion")
    policies = list(product(("reject", "keep"), ("block", "keep", "apply")))
    rest = cycle(product(ARRIVALS, ("first", "latest"), (True, False)))
    found: list[Case] = []
    for (k, key), (p, policy) in product(enumerate(keys), enumerate(policies)):
        arrival, keep, customer = next(rest)
        found.append(_case((key, *policy, keep), days[(k + p) % 3], arrival, customer))
    default = ("insert_id_time", "reject", "block")
    found += [
        _case((*default, keep), "column", arrival, customer)
        for arrival, (keep, customer) in product(ARRIVALS, (("first", True), ("latest", False)))
    ]
    found += [_case((*default, "first"), day, "INT64", False, wide=True) for day in days]
    return tuple({str(case): case for case in found}.values())


@dataclass(frozen=True)
class Sent:
    """A statement as BigQuery would get it.

    Attributes:
        file: The name in `sql/`; of statements that the engine writes itself, a name of its own.
        sql: The text, with literals for days, instants and numbers.
        parameters: Types of what stayed a parameter.
    """

    file: str
    sql: str
    parameters: Mapping[str, str]

    @property
    def tree(self) -> exp.Expr:
        """The text, parsed."""
        return _parsed(self.sql)

    @property
    def makes(self) -> str | None:
        """The table that it makes, if any."""
        found = re.search(r"^CREATE (?:OR REPLACE )?TABLE (?:IF NOT EXISTS )?`([^`]+)`", self.sql, re.MULTILINE)
        return found[1] if found else None


@cache
def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="bigquery")


@dataclass
class _Jobs:
    """Takes the place of the jobs: keeps what it is told to run; every dry run reads `bytes_read`."""

    bytes_read: int = 0
    sent: list[tuple[str, list[ScalarQueryParameter]]] = field(default_factory=list)

    def run(self, sql: str, params: Mapping[str, Any], step: object) -> list[dict[str, Any]]:
        self.sent.append(_bound(sql, params))
        return []

    def price(self, sql: str, params: Mapping[str, Any], step: object) -> int:
        self.run(sql, params, step)
        return self.bytes_read

    def cancel(self, run_id: str | None = None) -> None:
        pass


class Offline(BigQueryWarehouse):
    """The engine without a BigQuery behind it."""

    def __init__(self, case: Case, bytes_read: int = 0) -> None:
        super().__init__(case.settings)
        self._case = case
        self._jobs: Any = _Jobs(bytes_read)

    def shape(self) -> SourceShape:
        return self._case.shape

    def take(self, file: str) -> Sent:
        """What was sent since the last call."""
        ((sql, parameters),) = self._jobs.sent
        self._jobs.sent.clear()
        return Sent(file, sql, {p.name: str(p.type_) for p in parameters})

    def itself(self, file: str, names: Mapping[str, str]) -> Sent:
        """A statement that only the embedded engine runs, or whose names are looked up first."""
        text = Statements(dict(names), self._case.settings, self.shape(), self._text_rule, "TABLE").render(file)
        return Sent(file, text, {})


DAY_STATEMENTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("copies", ()),
    ("stage", ()),
    ("figures", ()),
    ("profile", ()),
    ("samples", ()),
    ("published_counts", ()),
    ("compare", ()),
    ("compare", ("compare_content",)),
    ("rejected_next", ()),
    ("merge_events", ()),
    ("merge_events", ("compare_content",)),
)
REPLACEMENTS = {"rejected": "rejected_rows", "events": "event_rows"}
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "claims_read": {},
    "claims_write": {"claims": "{}", "version": 1},
    "costs": {},
    "doctor_day": DAY_PARAMETERS,
    "ledger_days": {},
    "ledger_latest": {},
    "partitions": {"table_name": "mp_master_event"},
    "profiles": {"first_day": DAY, "last_day": DAY},
    "report_days": {},
    "report_events": {},
    "report_findings": {},
    "report_history": {},
    "report_landed_days": {},
    "report_landings": {},
    "report_rejected": {},
    "report_runs": {},
    "source_days": {},
    "story_published": {"insert_id": "x"},
    "story_source": {"insert_id": "x", **DAY_PARAMETERS},
    "table_totals": {},
}
CREATED = (
    "create_json_text",
    "create_ledger",
    "create_quality",
    "create_profiles",
    "create_landings",
    "create_malformed",
    "create_claims",
)


@cache
def sent(case: Case) -> tuple[Sent, ...]:
    """Every statement for one case, tables before what reads them."""
    engine = Offline(case)
    found: list[Sent] = []
    for name in CREATED:
        engine.query(name)
        found.append(engine.take(name))
    names = {role: quote(engine.table_id(role)) for role in ("source", "events", "rejected")}
    found += [engine.itself(name, names) for name in ("create_events", "create_rejected")]
    for name in ("create_duplicates_view", "create_reasons_view"):
        engine.query(name)
        found.append(engine.take(name))
    for name, flags in DAY_STATEMENTS:
        engine.run(DayStatement(name, TABLES, DAY_PARAMETERS, flags))
        found.append(engine.take(name))
        if case.is_wide:
            engine.price(DayStatement(name, TABLES, DAY_PARAMETERS, flags))
            found.append(engine.take(f"price of {name}"))
    for table, name in REPLACEMENTS.items():
        engine.replace_day(table, DayStatement(name, TABLES, DAY_PARAMETERS))
        found.append(engine.take(name))
        if case.is_wide:
            engine.price(DayStatement(name, TABLES, DAY_PARAMETERS), replaces=table)
            found.append(engine.take(f"price of {name}"))
    for name, values in QUERIES.items():
        engine.query(name, values)
        found.append(engine.take(name))
    log = {"export_log": quote(f"{SOURCE_HOME}.mp_nessie_export_log")}
    log |= {
        f"log_{role}": quote(name)
        for role, name in zip(("first_day", "last_day", "exported_at"), EXPORT_LOG, strict=True)
    }
    found.append(engine.itself("exports", log))
    for table, row in (("ledger", _ledger_row()), ("quality", _quality_row()), ("profiles", _profile_row())):
        engine.append(table, [row, row])
        found.append(engine.take(f"append to {table}"))
    engine.close()
    return tuple(found)


def _ledger_row() -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(LedgerRow.columns())
    texts = dict.fromkeys(("plan_reason", "status", "source_version", "rules_version", "thresholds_version"), "x")
    values |= texts | dict.fromkeys(("engine", "note", "error"), "")
    return values | {
        "run_id": "conformance",
        "attempt": 1,
        "partition_date": DAY,
        "source_rows": 5,
        "duplicate_rate": 0.25,
        "started_at": DAY_PARAMETERS["now"],
        "finished_at": DAY_PARAMETERS["now"],
    }


def _quality_row() -> dict[str, Any]:
    return {
        "run_id": "conformance",
        "attempt": 1,
        "partition_date": DAY,
        "suite": "figures",
        "expectation": "duplicate_rate",
        "severity": "warning",
        "success": True,
        "observed_value": 0.0011,
        "threshold": None,
        "unexpected_count": None,
        "note": "",
        "checked_at": DAY_PARAMETERS["now"],
    }


def _profile_row() -> dict[str, Any]:
    head = {"run_id": "conformance", "attempt": 1, "partition_date": DAY}
    return {**head, "profile": "{}", "profiled_at": DAY_PARAMETERS["now"]}


def sql_files() -> set[str]:
    """The names of all statements in `sql/`."""
    return {
        path.name.removesuffix(".sql") for path in (files("mixflows") / "sql").iterdir() if path.name.endswith(".sql")
    }
