"""Assets: the tables that a run wrote, so that Prefect shows what they are made from and how many rows they took."""

import re

from prefect.assets import Asset, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from mixflows.model import Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.run import RunResult
from mixflows.text import plain

NOT_IN_A_KEY = re.compile(r"[\s#?&%\"'<>\[\]{}|\\^`=]")
"""What Prefect refuses in an asset's key, among it the `%` by which a URL would write the others; and what stands for it here."""
LONGEST_KEY = 512


def materialize_tables(context: RunContext, result: RunResult) -> None:
    """Tells Prefect which rows this run wrote to the published tables; a run that wrote nothing tells nothing."""
    rows = [outcome.row for outcome in result.days(Status.PUBLISHED)]
    if not rows:
        return
    address = context.warehouse.address
    events, rejected, source = (Asset(key=asset_key(address(role))) for role in ("events", "rejected", "source"))
    days = {
        "days": len(rows),
        "first_day": str(min(row.partition_date for row in rows)),
        "last_day": str(max(row.partition_date for row in rows)),
        "source_rows": sum(row.source_rows or 0 for row in rows),
    }

    @materialize(
        events,
        rejected,
        by="mixflows",
        asset_deps=[source],
        name="assets",
        cache_policy=NO_CACHE,
        retries=0,
        persist_result=False,
    )
    def tell() -> None:
        inserted = sum(row.inserted_rows or 0 for row in rows)
        updated = sum(row.updated_rows or 0 for row in rows)
        kept = sum(row.kept_rows or 0 for row in rows)
        add_asset_metadata(events, {**days, "rows": kept, "inserted_rows": inserted, "updated_rows": updated})
        add_asset_metadata(rejected, {**days, "rows": sum(row.rejected_rows or 0 for row in rows)})

    tell()


def asset_key(address: str) -> str:
    """A table's address as an asset's key; names may have blanks, quotes and brackets, which become `=20` and the like."""
    return NOT_IN_A_KEY.sub(lambda found: f"={ord(found[0]):02x}", plain(address))[:LONGEST_KEY]
