"""The doctor's look at BigQuery: credentials, places, rights, the source, and our own tables."""
# google-cloud-bigquery declares only some of its types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Sequence
from contextlib import closing

from google.api_core import exceptions as api
from google.cloud import bigquery

from mixflows.errors import MixflowsError, WarehouseError
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.client import make_client
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from mixflows.warehouse.bigquery.errors import ERRORS, translated
from mixflows.warehouse.bigquery.jobs import Jobs, Step
from mixflows.warehouse.bigquery.sources import EXPORT_LOG, ExportLog, partition_column, recognise, refuse_unpruned
from mixflows.warehouse.bigquery.tables import expires, fields_of, is_landed, published_fields, type_of
from mixflows.warehouse.checks import Check, CheckState, failed, ok, source_checks, tried, warning
from mixflows.warehouse.source import PUBLISHED_DAY

LONG_LIVED = ("ledger", "quality", "profiles", "landings", "malformed", "claims")
PUBLISHED = ("events", "rejected")
READ = ("bigquery.tables.get", "bigquery.tables.getData")
WRITE = (*READ, "bigquery.tables.update", "bigquery.tables.updateData")
INIT = "Run: mixflows init"
STAGING_TIME_TRAVEL_HOURS, DEFAULT_TIME_TRAVEL_HOURS = 48, 168
"""The least and the most that BigQuery offers. Source: https://cloud.google.com/bigquery/docs/time-travel"""


def bigquery_checks(settings: Settings) -> Iterator[Check]:
    """Looks at what a run needs, in the order in which things go wrong. Runs metadata queries, dry runs and counts."""
    try:
        client = make_client(settings.bigquery)
    except MixflowsError as err:
        yield failed("credentials", err.message, err.hint)
        return
    with closing(client), closing(BigQueryWarehouse(settings)) as warehouse:
        doctor = _Doctor(settings, client, warehouse)
        for name, look in (("credentials", doctor.credentials), ("datasets", doctor.datasets)):
            found = tried(name, look)
            yield from found
            if any(check.state is CheckState.FAILED for check in found):
                return
        source = tried("source", doctor.source)
        yield from source
        if all(check.state is not CheckState.FAILED for check in source):
            yield from tried("partitions", doctor.partitioning)
            yield from source_checks(warehouse, settings)
            yield from tried("export log", doctor.export_log)
        yield from tried("rights", doctor.rights)
        yield from tried("landing bucket", doctor.bucket)
        yield from tried("JSON text function", doctor.json_text)
        yield from tried("tables", doctor.tables)
        yield from tried("byte cap", doctor.cap)


def _time_travel(dataset: bigquery.Dataset) -> list[Check]:
    """How long BigQuery keeps what is deleted from short-lived tables: it is paid for under physical storage billing."""
    hours = int(dataset.max_time_travel_hours or DEFAULT_TIME_TRAVEL_HOURS)  # the API writes it as a text
    if hours <= STAGING_TIME_TRAVEL_HOURS:
        return []
    name = f"{dataset.project}:{dataset.dataset_id}"
    return [
        warning(
            "staging dataset",
            f"{name} keeps what is deleted for {hours} hours",
            f"Run: bq update --max_time_travel_hours={STAGING_TIME_TRAVEL_HOURS} {name}",
        )
    ]


class _Doctor:
    """The looks, each a list of checks or an error that `tried` turns into one."""

    def __init__(self, settings: Settings, client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
        self._settings, self._place = settings, settings.bigquery
        self._client, self._warehouse = client, warehouse
        self._jobs = Jobs(client, settings.bigquery)

    def credentials(self) -> list[Check]:
        """Whether they hold, and whether they may run jobs."""
        self._jobs.price("SELECT 1", {}, Step("doctor"))
        return [ok("credentials", f"jobs run in project {self._place.project}")]

    def datasets(self) -> list[Check]:
        """Whether they are there, and where."""
        place = self._place
        wanted = {
            self._warehouse.dataset.of_source: "source dataset",
            f"{place.project}.{place.staging_dataset or place.dataset}": "staging dataset",
            f"{place.project}.{place.dataset}": "dataset",
        }
        found: list[Check] = []
        for dataset_id, role in wanted.items():
            try:
                dataset = self._client.get_dataset(dataset_id)
            except (api.NotFound, api.Forbidden) as err:
                is_ours = dataset_id != self._warehouse.dataset.of_source
                hours = f" --max_time_travel_hours={STAGING_TIME_TRAVEL_HOURS}" if role == "staging dataset" else ""
                make = f"bq --location={place.location} mk{hours} --dataset {dataset_id.replace('.', ':', 1)}"
                what = "is not there" if isinstance(err, api.NotFound) else "may not be seen with these credentials"
                advice = (
                    f"Make it: {make}"
                    if is_ours and isinstance(err, api.NotFound)
                    else "Check its name, and the rights."
                )
                found.append(failed(role, f"{dataset_id} {what}", advice))
                continue
            except ERRORS as err:
                raise translated(err, f"look up {role}", place) from err
            location = str(dataset.location or "")
            if location.upper() == place.location.upper():
                found.append(ok(role, f"{dataset_id} is in {location}"))
                found += _time_travel(dataset) if role == "staging dataset" and place.staging_dataset else []
            else:
                found.append(
                    failed(
                        role,
                        f"{dataset_id} is in {location}, but bigquery.location is {place.location}",
                        f'Set bigquery.location = "{location}". All datasets of one installation are in one location.',
                    )
                )
        return found

    def source(self) -> list[Check]:
        """Whether it is a table that can be read by day."""
        table_id = self._warehouse.dataset.table_id("source")
        table = self._warehouse.dataset.table("source")
        if table is None:
            return [failed("source", f"table {table_id} is not there", self._warehouse.dataset.advice_on_source())]
        self._warehouse.source()
        refuse_unpruned(table, self._settings)
        try:
            known = "mixflows" if is_landed(table) else recognise(table).pipeline
        except MixflowsError:
            known = "none of Mixpanel's pipelines; columns as [columns] names them"
        return [ok("source", f"{table_id} is a table, written by {known}")]

    def partitioning(self) -> list[Check]:
        """Whether a day can be read alone."""
        table = self._warehouse.dataset.table("source")
        column = partition_column(table) if table else None
        if column is None:
            return [
                warning(
                    "source partitions",
                    "the source is not partitioned: every statement reads all of it",
                    "Copy it into a table that is partitioned by day, or let Mixpanel's pipeline write one.",
                )
            ]
        return [ok("source partitions", f"by day of {column}")]

    def export_log(self) -> list[Check]:
        """Whether Mixpanel logs its exports beside the source."""
        table = self._warehouse.dataset.export_log()
        if table is None:
            return [ok("export log", f"no {EXPORT_LOG} beside the source; partitions tell what changed")]
        if ExportLog.of(table) is None:
            names = ", ".join(field.name for field in fields_of(table))
            return [
                warning("export log", f"the columns of {EXPORT_LOG} are not recognised: {names}", "It is left unread.")
            ]
        return [ok("export log", f"{EXPORT_LOG} is there, for days whose partition does not tell when it changed")]

    def rights(self) -> list[Check]:
        """What may be done where, by dry runs and by asking for permissions."""
        place, found = self._place, list[Check]()
        for dataset in dict.fromkeys((place.dataset, place.staging_dataset or place.dataset)):
            table = quote(f"{place.project}.{dataset}.mixflows_doctor")
            found += self._may(f"make tables in {dataset}", f"CREATE OR REPLACE TABLE {table} AS SELECT 1 AS one")
        partitions = f"SELECT COUNT(*) FROM {quote(self._warehouse.dataset.of_source)}.INFORMATION_SCHEMA.PARTITIONS"
        found += self._may("read the source's partitions", partitions)
        source = self._warehouse.dataset.table("source")
        found += self._permissions("source", WRITE if source is not None and is_landed(source) else READ)
        for role in (*PUBLISHED, *LONG_LIVED):
            found += self._permissions(role, WRITE)
        found += self._may_list_jobs()
        refused = [check for check in found if check.state is not CheckState.OK]
        return refused or [ok("rights", f"all {len(found)} that were looked at are there")]

    def _may(self, what: str, sql: str) -> list[Check]:
        try:
            self._jobs.price(sql, {}, Step("doctor"))
        except WarehouseError as err:
            return [failed("rights", f"may not {what}: {err.message}", "Grant the rights that docs/bigquery.md lists.")]
        return [ok("rights", what)]

    def _may_list_jobs(self) -> list[Check]:
        """A run that takes the days of one that was killed looks for the jobs that it left."""
        try:
            list(self._client.list_jobs(max_results=1))
        except ERRORS as err:
            refused = translated(err, "list jobs", self._place)
            return [failed("rights", f"may not list jobs: {refused.message}", "Grant bigquery.jobs.list.")]
        return [ok("rights", "list jobs")]

    def _permissions(self, role: str, wanted: Sequence[str]) -> list[Check]:
        table_id = self._warehouse.dataset.table_id(role)
        try:
            answer = self._client.test_iam_permissions(table_id, list(wanted))
        except api.NotFound:
            return []
        except ERRORS as err:
            return [Check("rights", CheckState.UNKNOWN, f"{table_id}: {type(err).__name__} when asked for permissions")]
        missing = sorted(set(wanted) - set(answer.get("permissions", ())))
        if missing:
            return [
                failed("rights", f"{table_id}: {', '.join(missing)} missing", "Grant the rights in docs/bigquery.md.")
            ]
        return [ok("rights", table_id)]

    def bucket(self) -> list[Check]:
        """Whether landed files may go through the bucket, where there is one."""
        if (place := self._settings.landing.bucket) is None:
            return []
        from mixflows.warehouse.bigquery.bucket import NEEDED, opened_bucket

        with opened_bucket(self._place, place) as bucket:
            missing = bucket.missing_rights()
        if missing:
            lacking = f"{place}: {', '.join(missing)} missing"
            return [failed("landing bucket", lacking, "Grant roles/storage.objectUser on the bucket.")]
        return [ok("landing bucket", f"{place} takes and gives back what is landed: {', '.join(NEEDED)}")]

    def json_text(self) -> list[Check]:
        """Whether the function of the fingerprint is there."""
        function = self._warehouse.dataset.json_text
        if not self._warehouse.dataset.has_json_text():
            return [failed("JSON text function", f"{function} is not there", INIT)]
        return [ok("JSON text function", f"{function} is there")]

    def tables(self) -> list[Check]:
        """Whether our tables are there, and in step with the source and the settings."""
        tables = {role: self._warehouse.dataset.table(role) for role in (*PUBLISHED, *LONG_LIVED)}
        missing = [self._warehouse.dataset.table_id(role) for role, table in tables.items() if table is None]
        found = [failed("tables", f"not there: {', '.join(missing)}", INIT)] if missing else []
        for table in filter(None, tables.values()):
            if expires(table):
                lost = f"{table.table_id} expires, or its partitions do: BigQuery would delete published days"
                found.append(failed("tables", lost, f"{INIT}. It takes the expiration away."))
        for role in PUBLISHED:
            if (table := tables[role]) is not None:
                found += self._published(role, table)
        return found or [ok("tables", f"{len(tables)} tables are there, partitioned and in step with the source")]

    def _published(self, role: str, table: bigquery.Table) -> list[Check]:
        name = table.table_id
        rebuild = f"Name another table as tables.{role}, run mixflows init, then mixflows backfill --mode all."
        found: list[Check] = []
        if partition_column(table) != PUBLISHED_DAY:
            found.append(failed("tables", f"{name} is not partitioned by {PUBLISHED_DAY}", rebuild))
        source = self._warehouse.source()
        if role == "events" and tuple(table.clustering_fields or ()) != source.cluster_by:
            by = ", ".join(table.clustering_fields or ()) or "nothing"
            wanted = ", ".join(source.cluster_by)
            found.append(
                warning("tables", f"{name} is clustered by {by}, not by {wanted}", "Results are the same; " + rebuild)
            )
        if bool(table.require_partition_filter) != self._place.require_partition_filter:
            found.append(warning("tables", f"require_partition_filter of {name} is not as the setting has it", INIT))
        source_table = self._warehouse.dataset.table("source")
        have = {field.name: type_of(field) for field in fields_of(table)}
        wanted_fields = published_fields(source_table, role, source) if source_table else []
        lacking = [field.name for field in wanted_fields if field.name not in have]
        if lacking:
            found.append(
                warning("tables", f"{name} lacks {', '.join(lacking)} of the source", "The next run adds them.")
            )
        other = [f.name for f in wanted_fields if f.name in have and have[f.name] != type_of(f)]
        if other:
            found.append(failed("tables", f"{name} has other types than the source: {', '.join(other)}", rebuild))
        return found

    def cap(self) -> list[Check]:
        """Whether a statement's bill is capped."""
        if (cap := self._place.maximum_bytes_billed) is None:
            return [
                warning(
                    "byte cap",
                    "a statement may bill any number of bytes",
                    "Set bigquery.maximum_bytes_billed; mixflows plan --price shows what a day takes.",
                )
            ]
        return [ok("byte cap", f"a statement bills at most {cap:,} bytes")]
