"""Statements as they can be priced before their short-lived tables exist.

A dry run needs every table that a statement reads. A batch's staged table does not exist yet, but its rows are the source
days': the statement is priced over the source days in its place, with the same columns. The touched ids, the copies, about
one row in 450, and the rows to reject are priced as empty.
"""

from collections.abc import Mapping

from mixflows.errors import UsageError
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.expressions import Expressions
from mixflows.warehouse.source import PUBLISHED_DAY, REJECTED_COLUMNS, Source

TIB = 2**40
LEAST_BYTES = 10 * 2**20
"""The least that is billed for each table that a statement references.

Source: https://cloud.google.com/bigquery/pricing, "on-demand compute pricing".
"""
TOUCHED = {
    "mf__day": "DATE",
    "mf__id": "INT64",
    "mf__pair": "INT64",
    "mf__more": "INT64",
    "mf__fewer": "INT64",
    "mf__surplus": "INT64",
    "mf__twice": "INT64",
    "mf__key": "INT64",
    "mf__copy": "INT64",
}
COPIES = {
    "mf__day": "DATE",
    "mf__in_day": "BOOL",
    "mf__gone": "BOOL",
    "mf__id": "INT64",
    "mf__keyed": "BOOL",
    "mf__arrival_us": "INT64",
    "mf__version_us": "INT64",
    "mf__fingerprint": "STRING",
    "mf__filled": "INT64",
    "mf__stored": "INT64",
    "mf__nth": "INT64",
    "mf__row_num": "INT64",
    "mf__contested": "BOOL",
    "mf__reason": "STRING",
    "mf__exact": "BOOL",
}


def stand_ins(table: str, source: Source, x: Expressions) -> Mapping[str, str]:
    """What stands for the short-lived tables, by role.

    Args:
        table: The source's quoted name.
        source: Its columns and roles.
        x: Their expressions, for the days of the statement.
    """
    columns = {column.name: column.type for column in source.passed_through}
    return {
        "touched": _nothing(TOUCHED),
        "copies": _nothing(columns | COPIES),
        "stage": (
            f"(SELECT {x.columns('d')}, {x.day('d')} AS mf__day, {x.is_in_its_day('d', x.day('d'))} AS mf__in_day,"
            " FALSE AS mf__gone, 1 AS row_num, CAST(NULL AS STRING) AS rejection_reason, CAST(NULL AS BOOL) AS is_exact_copy"
            f" FROM {table} AS d WHERE {x.in_days('d')})"
        ),
        "events_next": _nothing(columns | {PUBLISHED_DAY: "DATE"}),
        "rejected_next": _nothing(columns | {PUBLISHED_DAY: "DATE"} | REJECTED_COLUMNS),
    }


def billed(read: int, text: str) -> int:
    """Bytes that a statement is billed for, at least.

    Args:
        read: By its dry run, of all its tables together. Where nothing is read, nothing is billed.
        text: The statement with its short-lived tables. They have their own least bytes, as they will hold rows, whatever
            stands in for them.
    """
    import sqlglot
    from sqlglot import exp

    statement = sqlglot.parse_one(text, "bigquery")
    made = statement.this if isinstance(statement, exp.Create) else None
    # Every table's name is quoted, and no relation's within the statement is.
    names = (table for table in statement.find_all(exp.Table) if table is not made and table.this.quoted)
    tables = {exp.table_name(table) for table in names}
    holds_rows = read or any("stg_mp_copies" in table or "stg_mp_rejected" in table for table in tables)
    return max(read, len(tables) * LEAST_BYTES) if holds_rows else 0


def refuse_full_scan(read: int, what: str, hint: str, settings: BigQuerySettings) -> None:
    """Refuses what is dear and cannot be read by day, with its price.

    Args:
        read: Bytes of one reading.
        what: What is read, the beginning of a sentence.
        hint: How less is read.
        settings: The limit, and the price of a TiB.

    Raises:
        UsageError: More is read than `bigquery.full_scan_bytes`, and `bigquery.accept_full_scans` is not set.
    """
    if read > settings.full_scan_bytes and not settings.accept_full_scans:
        raise UsageError(
            f"{what} {read / 10**9:,.0f} GB, {read / TIB * settings.price_per_tib:,.2f} at {settings.price_per_tib:g} per TiB;"
            f" bigquery.full_scan_bytes allows {settings.full_scan_bytes / 10**9:,.0f} GB",
            f"{hint} Or accept the price: --set bigquery.accept_full_scans=true.",
        )


def _nothing(columns: Mapping[str, str]) -> str:
    values = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns.items())
    return f"(SELECT {values} FROM UNNEST([1]) AS nothing WHERE FALSE)"
