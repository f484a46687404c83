"""Assets: the tables that a run wrote, so that Prefect shows what they are made from and how many rows they took."""

from prefect.assets import Asset, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from mixflows.model import Status
from mixflows.pipeline.run import RunResult
from mixflows.settings import Settings


def table_asset(settings: Settings, table: str) -> Asset:
    """A table as an asset; its key is the same in every run."""
    if settings.warehouse.engine == "bigquery":
        is_source = table == settings.tables.source
        project = (settings.bigquery.source_project if is_source else None) or settings.bigquery.project
        dataset = (settings.bigquery.source_dataset if is_source else None) or settings.bigquery.dataset
        return Asset(key=f"bigquery://{project}/{dataset}/{table}")
    return Asset(key=f"duckdb://{settings.warehouse.path.stem}/{table}")


def materialize_tables(settings: Settings, result: RunResult) -> None:
    """Tells Prefect which rows this run wrote to the published tables; a run that wrote nothing tells nothing."""
    rows = [outcome.row for outcome in result.days(Status.PUBLISHED)]
    if not rows:
        return
    tables = settings.tables
    events, rejected = table_asset(settings, tables.events), table_asset(settings, tables.rejected)
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
        asset_deps=[table_asset(settings, tables.source)],
        name="assets",
        cache_policy=NO_CACHE,
        retries=0,
    )
    def tell() -> None:
        inserted = sum(row.inserted_rows or 0 for row in rows)
        updated = sum(row.updated_rows or 0 for row in rows)
        kept = sum(row.kept_rows or 0 for row in rows)
        add_asset_metadata(events, {**days, "rows": kept, "inserted_rows": inserted, "updated_rows": updated})
        add_asset_metadata(rejected, {**days, "rows": sum(row.rejected_rows or 0 for row in rows)})

    tell()
