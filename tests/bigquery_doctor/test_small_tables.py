"""What short-lived and small tables cost: how long deleted ones are kept, and that small ones are not cut into partitions."""

import pytest
from google.cloud import bigquery

from mixflows.warehouse import diagnose, open_warehouse
from mixflows.warehouse.checks import CheckState
from tests.bigquery_doctor.conftest import SCHEMATIZED, Mixpanel

DAILY = bigquery.TimePartitioning(field="partition_date")


@pytest.mark.parametrize(("hours", "state"), [(48, CheckState.OK), (168, CheckState.WARNING)])
def test_a_staging_dataset_that_keeps_what_is_deleted_is_named(
    mixpanel: Mixpanel, hours: int, state: CheckState
) -> None:
    name = f"{mixpanel.dataset}_staging"
    staging = bigquery.Dataset(f"{mixpanel.api.project}.{name}")
    staging.max_time_travel_hours = hours
    mixpanel.client.create_dataset(staging)

    checks = [c for c in diagnose(mixpanel.settings(bigquery={"staging_dataset": name})) if c.name == "staging dataset"]

    assert checks[-1].state is state
    assert ("--max_time_travel_hours=48" in checks[-1].advice) == (hours > 48)


def test_the_ledger_and_what_is_written_beside_it_are_clustered_and_have_no_partitions(mixpanel: Mixpanel) -> None:
    mixpanel.table(SCHEMATIZED | {"partition_date": "DATE"}, DAILY, "mp_master_event")
    settings = mixpanel.settings()
    open_warehouse(settings).create_tables()

    for role in ("ledger", "quality", "profiles"):
        made = mixpanel.client.get_table(f"{mixpanel.dataset}.{getattr(settings.tables, role)}")
        assert (made.time_partitioning, made.clustering_fields) == (None, ["partition_date"])
