"""Every statement, under every rule and for every kind of source, as the BigQuery engine sends it; here it is kept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import sqlglot
from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter
from sqlglot import exp

from mixflows.model import Run
from mixflows.settings import Settings
from mixflows.warehouse.base import BatchDay, BatchStatement, BatchTables
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from mixflows.warehouse.bigquery.landed_days import LandedDays
from mixflows.warehouse.bigquery.landing import SAMPLE, FileLandings
from mixflows.warehouse.bigquery.parameters import Rows, parameters_of
from mixflows.warehouse.bigquery.together import Together
from mixflows.warehouse.descriptions import VIEWS
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.source import INGESTION_DAY, Column, Source
from tests.conformance.landing import landing_texts
from tests.conformance.rows import ledger_row, profile_row, quality_row
from tests.conformance.whole_days import slot_texts

DAYS = (date(2026, 3, 29), date(2026, 3, 30), date(2026, 6, 1))
"""Of the batch that is rendered: one of 23 hours, the next, and one far from both."""
DAY = DAYS[0]
RUN = Run("conformance")
TABLES = BatchTables.of(DAY, RUN)
PROJECT, DATASET = "a-project", "mixpanel"
SOURCE_HOME = "another-project.exports"

PARAMETERS = {"run_id": RUN.run_id, "now": datetime(2026, 4, 1, 12, tzinfo=UTC)}
"""What a batch's statements are given."""

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
    day: str = "column"

    def __str__(self) -> str:
        rules = "-".join(str(value) for value in self.sections["pipeline"].values())
        day = self.day
        arrival = self.columns.get("mp_processing_time_ms") or ("loaded" if "loaded_at" in self.columns else "never")
        more = [word for word, there in (("customer", "customer_id" in self.columns), ("wide", self.is_wide)) if there]
        return "-".join([rules, day, arrival, *more])

    @property
    def ingestion_partitioned(self) -> bool:
        """Whether the source is partitioned by ingestion time."""
        return self.day == "ingestion"

    @property
    def partitioned_by(self) -> str:
        """The column that the source is partitioned by."""
        named = {"column": "partition_date", "other": "day", "midnight": "day_at", "naive": "day_on", "bounds": "time"}
        return named.get(self.day, INGESTION_DAY)

    @property
    def is_wide(self) -> bool:
        """Whether the source has a column of every type."""
        return EVERY_TYPE.keys() <= self.columns.keys()

    @property
    def is_priced(self) -> bool:
        """Whether the dry runs of its statements are rendered too: what a statement reads, without what it makes."""
        return self.is_wide and self.day in ("column", "bounds")

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
    def source(self) -> Source:
        return Source.of(tuple(Column(name, kind, kind) for name, kind in self.columns.items()), self.settings)


CASES = """
    mixpanel_day    reject  apply  latest  column     INT64      -         -
    mixpanel_day    keep    block  first   bounds     loaded     customer  -
    mixpanel_day    reject  block  first   ingestion  never      customer  wide
    mixpanel_day    keep    keep   first   other      loaded     -         -
    mixpanel_day    keep    apply  latest  midnight   TIMESTAMP  customer  -
    mixpanel_day    reject  keep   latest  naive      INT64      customer  wide
    insert_id_time  keep    apply  first   column     INT64      customer  wide
    insert_id_time  keep    block  latest  ingestion  never      -         -
    insert_id_time  reject  keep   first   midnight   INT64      -         wide
    mixpanel        reject  keep   latest  bounds     TIMESTAMP  -         wide
    mixpanel        reject  apply  latest  other      loaded     customer  wide
    mixpanel        keep    block  first   naive      TIMESTAMP  -         -
"""
"""The rules (key, rows without insert id, copies that are gone, which copy is kept); how the day, and when a copy arrived,
is known; more columns. test_cases.py says which pairs of them must occur."""


def _case(line: str) -> Case:
    key, missing, deletes, keep, day, arrival, customer, wide = line.split()
    columns = dict(BASE)
    if arrival in ("INT64", "TIMESTAMP"):
        columns["mp_processing_time_ms"] = arrival
    if arrival != "never":
        columns |= {"loaded_at": "TIMESTAMP", "source_file": "STRING"}
    if customer != "-":
        columns["customer_id"] = "STRING"
    columns |= EVERY_TYPE if wide != "-" else {"properties": "JSON"}
    columns |= {
        "column": {"partition_date": "DATE"},
        "other": {"day": "DATE"},
        "midnight": {"day_at": "TIMESTAMP"},
        "naive": {"day_on": "DATETIME"},
    }.get(day, {})
    sections: dict[str, Any] = {
        "project_timezone": "Europe/Berlin",
        "pipeline": {"key": key, "missing_insert_id": missing, "source_deletes": deletes, "keep": keep},
    }
    if day != "column":
        named = {"other": "day", "midnight": "day_at", "naive": "day_on", "bounds": "none"}
        sections["columns"] = {"day": named.get(day, INGESTION_DAY)}
    return Case(columns, sections, day)


@cache
def cases() -> tuple[Case, ...]:
    """A case for each line of `CASES`."""
    return tuple(map(_case, CASES.strip().splitlines()))


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
        """The table or view that it makes, if any."""
        found = re.search(
            r"^CREATE (?:OR REPLACE )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?`([^`]+)`", self.sql, re.MULTILINE
        )
        return found[1] if found else None


@lru_cache(maxsize=200)  # of a case's statements; among the trees of all, the garbage collector takes most of the time
def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="bigquery")


@dataclass
class _Jobs:
    """Takes the place of the jobs: keeps what it is told to run; every dry run reads `bytes_read`."""

    bytes_read: int = 0
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def run(self, sql: str, params: Mapping[str, Any], step: object) -> list[dict[str, Any]]:
        self.sent.append((sql, {str(p.name): _type_of(p) for p in parameters_of(sql, params)}))
        return []

    def price(self, sql: str, params: Mapping[str, Any], step: object) -> int:
        self.run(sql, params, step)
        return self.bytes_read

    def cancel(self, run_id: str | None = None) -> None:
        pass


def _type_of(parameter: ScalarQueryParameter | ArrayQueryParameter) -> str:
    if isinstance(parameter, ScalarQueryParameter):
        return str(parameter.type_)
    fields = parameter.to_api_repr()["parameterType"]["arrayType"]["structTypes"]
    return f"ARRAY<STRUCT<{', '.join(f['name'] + ' ' + f['type']['type'] for f in fields)}>>"


class Offline(BigQueryWarehouse):
    """The engine without a BigQuery behind it."""

    def __init__(self, case: Case, bytes_read: int = 0) -> None:
        super().__init__(case.settings)
        self._case = case
        self._jobs: Any = _Jobs(bytes_read)
        self._together = Together(self._jobs)

    def source(self) -> Source:
        return self._case.source

    def take(self, file: str) -> Sent:
        """What was sent since the last call."""
        ((sql, parameters),) = self._jobs.sent
        self._jobs.sent.clear()
        return Sent(file, sql, parameters)

    def of_slot(self) -> list[Sent]:
        """The statements of whole days, tables before what reads them; the source marks copies that are gone then."""
        found: list[Sent] = []
        for file, sql, params in slot_texts(self.dataset, self._case.settings, self.source(), DAYS[:2]):
            self._jobs.run(sql, params, None)
            found.append(self.take(file))
        return found

    def of_landing(self) -> list[Sent]:
        """The statements that land a file and date landed rows anew, tables before what reads them."""
        files = FileLandings(self._client, self._jobs, self.dataset, self._case.settings, self.rendered, self.query)
        days = None
        if (
            self._case.day in ("column", "other", "bounds") and "source_file" in self._case.columns
        ):  # as `land` makes it
            days = LandedDays(self._jobs, self.dataset, self._case.settings, self.source(), self.rendered)
        texts = landing_texts(files, days, self.dataset, self._case.columns, DAYS, self._jobs.sent)
        return [Sent(file, sql, parameters) for file, sql, parameters in texts]

    def itself(self, file: str, names: Mapping[str, str]) -> Sent:
        """A statement that only the embedded engine runs, or whose names are looked up first."""
        text = Statements(dict(names), self._case.settings, self.source(), self._dialect(())).render(file)
        return Sent(file, text, {})


BATCH_STATEMENTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("touched", ()),
    ("touched", ("content",)),
    ("touched_days", ()),
    ("ranked_ids", ()),
    ("ranked_ids", ("touched",)),
    ("shared_keys", ()),
    ("events_next", ()),
    ("events_next", ("touched",)),
    ("retained", ("touched", "retain")),
    ("copies", ()),
    ("copies", ("touched",)),
    ("copies", ("touched", "retain")),
    ("winners", ()),
    ("stage", ()),
    ("stage", ("retain",)),
    ("stage", ("judged",)),
    ("figures", ()),
    ("profile", ()),
    ("samples", ()),
    ("breakdown", ()),
    ("restated", ()),
    ("changes", ()),
    ("changes", ("touched",)),
    ("changes", ("touched", "content")),
    ("published_counts", ()),
    ("published_counts", ("keys",)),
    ("rejected_next", ()),
    ("rejected_next", ("published", "touched")),
    ("added_events", ()),
    ("delta_events", ()),
    ("delta_rejected", ()),
    ("adopted_days", (f"{PROJECT}.{DATASET}.mp_events", "mp_event_name", "time", "mp_insert_id")),
)
REPLACEMENTS = {"rejected": "whole_rejected", "events": "whole_events"}
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "claims_read": {},
    "claims_write": {"claims": "{}", "version": 1},
    **{key: {} for key in ("costs", "date_events", "date_rejected", "doctor_day")},
    **{key: {} for key in ("ledger_days", "ledger_latest", "ledger_published", "new_files", "fetched_slots")},
    "land_before": {"zone": "UTC", "content_hash": "0"},
    "partitions": {"table_name": "mp_master_event"},
    "published_days": {},
    "published_partitions": {"events": "mp_events", "rejected": "mp_rejected_events"},
    "profiles": {"first_day": DAY, "last_day": DAY},
    **{key: {} for key in ("held_back_of_days", "rejected_of_days")},
    **{key: {} for key in ("report_days", "report_history", "report_landed_days")},
    **{key: {} for key in ("report_fetched", "report_landings", "report_malformed", "report_runs")},
    "report_rejected": {"first_day": DAY, "last_day": DAY},
    "report_findings": {"failed_only": True},
    "restamped": {"sample": Rows(SAMPLE, [{"nth": 0, "insert_id": "x", "time_us": 1}])},
    "source_days": {},
    "story_published": {"insert_id": "x", "distinct_id": "", "first_day": DAY, "last_day": DAY},
    "story_source": {"insert_id": "x", "distinct_id": ""},
    "table_totals": {},
    "time_range": {},
}
CREATED = (
    "create_json_text", "create_ledger", "create_quality", "create_profiles", "create_landings", "create_malformed",
    "create_claims",
)  # fmt: skip


def statement(case: Case, name: str, flags: tuple[str, ...] = ()) -> BatchStatement:
    """A statement over the batch's days; the last is published as a delta, of which no row but its copies is judged."""
    over = DAYS[:-1] if "judged" in flags else DAYS
    days = tuple(BatchDay.of(day, case.settings, is_delta=day == DAYS[-1]) for day in over)
    return BatchStatement(name, TABLES, days, RUN, PARAMETERS, flags, PARAMETERS["now"])


@cache
def sent(case: Case) -> tuple[Sent, ...]:
    """Every statement for one case, tables before what reads them."""
    engine = Offline(case)
    found: list[Sent] = []
    for name in CREATED:
        engine.query(name)
        found.append(engine.take(name))
    names = {role: quote(engine.dataset.table_id(role)) for role in ("source", "events", "rejected")}
    found += [engine.itself(name, names) for name in ("create_events", "create_rejected")]
    # The engine makes it by the API, like the published one.
    staged = engine.itself(
        "create_events", names | {"events": quote(engine.dataset.short_lived_id(TABLES.events_next))}
    )
    found.append(replace(staged, file="create_events_next"))
    for name in (f"create_{view}" for view in VIEWS):
        engine.query(name)
        found.append(engine.take(name))
    for name, flags in BATCH_STATEMENTS:
        engine.run(statement(case, name, flags))
        found.append(engine.take("judged" if "judged" in flags else name))
        if case.is_priced and "judged" not in flags:
            engine.price(statement(case, name, flags))
            found.append(engine.take(f"price of {name}"))
    for table, name in REPLACEMENTS.items():
        engine.replace_days(table, statement(case, name), dict.fromkeys(DAYS, 0), is_empty=False)
        found.append(engine.take(name))
        if case.is_priced:
            engine.price(statement(case, name), replaces=table)
            found.append(engine.take(f"price of {name}"))
    for name, values in QUERIES.items():
        engine.query(name, values, DAYS)
        found.append(engine.take(name))
    log = {"export_log": quote(f"{SOURCE_HOME}.mp_nessie_export_log")}
    log |= {
        f"log_{role}": quote(name)
        for role, name in zip(("first_day", "last_day", "exported_at"), EXPORT_LOG, strict=True)
    }
    found.append(engine.itself("exports", log))
    for table, row in (("ledger", ledger_row), ("quality", quality_row), ("profiles", profile_row)):
        engine.append(table, [row(DAY, PARAMETERS["now"])] * 2)
        found.append(engine.take(f"append to {table}"))
    found += engine.of_landing()
    if case.day in ("column", "bounds") and "loaded_at" in case.columns:  # as the sources that `land` creates
        found += engine.of_slot()
    engine.close()
    return tuple(found)


def sql_files() -> set[str]:
    """The names of all statements in `sql/`."""
    return {
        path.name.removesuffix(".sql") for path in (files("mixflows") / "sql").iterdir() if path.name.endswith(".sql")
    }
