"""Tables on BigQuery: how the published ones are made, kept in step with the source, and described."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from google.api_core import exceptions as api
from google.cloud import bigquery

from mixflows.errors import SourceColumnsError
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.descriptions import TABLES, column_descriptions
from mixflows.warehouse.source import GONE_SINCE, PUBLISHED_DAY, REJECTED_COLUMNS, Column, Source
from mixflows.warehouse.transpile import missing_columns

T = TypeVar("T")
STANDARD_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
WIDER = {
    "INT64": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT64"),
    "BIGNUMERIC": ("FLOAT64",),
}
"""What a column's type may become in place."""
APP_LABEL = {"app": "mixflows"}
MARK = bigquery.SchemaField(
    GONE_SINCE,
    "TIMESTAMP",
    description="When the newest delivery of its day first lacked the copy. Written by mixflows.",
)
"""The column that marks copies of the source that are gone; told from one of the user's by its description."""
LANDED_BY = {"landed_by": "mixflows"}
"""The label of a source that `land` created."""


def found(get: Callable[[str], T], name: str) -> T | None:
    """What the API has under a name; None where it is not there, though its dataset is."""
    try:
        return get(name)
    except api.NotFound as err:
        if "Not found: Dataset" in str(err):
            raise
        return None


def fields_of(table: bigquery.Table) -> list[bigquery.SchemaField]:
    """A table's fields in order; the client's own annotation says less."""
    return list(cast("list[bigquery.SchemaField]", table.schema))  # pyright: ignore[reportUnknownMemberType]


def columns_of(table: bigquery.Table) -> tuple[Column, ...]:
    """A table's columns in order."""
    return tuple(Column(field.name, type_of(field), type_of(field)) for field in fields_of(table))


def marks_gone(table: bigquery.Table) -> bool:
    """Whether a source has GONE_SINCE as the mark that whole days need, and not as a column of the user's."""
    return any((field.name, field.description) == (MARK.name, MARK.description) for field in fields_of(table))


def type_of(field: bigquery.SchemaField) -> str:
    """A field's type in GoogleSQL's words, such as ARRAY<STRUCT<a INT64>>."""
    kind = _standard(field)
    if kind == "STRUCT":
        kind = f"STRUCT<{', '.join(f'{sub.name} {type_of(sub)}' for sub in field.fields)}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def _standard(field: bigquery.SchemaField) -> str:
    """A field's type by its one name; the API knows some by two."""
    return STANDARD_TYPES.get(field.field_type, field.field_type)


def published_fields(table: bigquery.Table, role: str, source: Source) -> list[bigquery.SchemaField]:
    """The fields of a published table: the source's, the day, and the rejected copies' own.

    Args:
        table: The source.
        role: `events` or `rejected`.
        source: Its columns and roles.
    """
    passed = {column.name for column in source.passed_through}
    fields = [
        _changed(f, mode="REPEATED" if f.mode == "REPEATED" else "NULLABLE")
        for f in fields_of(table)
        if f.name in passed
    ]
    fields.append(bigquery.SchemaField(PUBLISHED_DAY, "DATE"))
    if role == "rejected":
        fields += [bigquery.SchemaField(name, kind) for name, kind in REJECTED_COLUMNS.items()]
    return fields


def make_published(
    client: bigquery.Client,
    table_id: str,
    role: str,
    fields: Sequence[bigquery.SchemaField],
    source: Source,
    settings: Settings,
) -> None:
    """Makes a published table: partitioned by day, clustered, described and labelled."""
    new = bigquery.Table(table_id, schema=_described(fields, role, settings))
    new.time_partitioning = bigquery.TimePartitioning(field=PUBLISHED_DAY)
    new.require_partition_filter = settings.bigquery.require_partition_filter
    if role == "events":
        new.clustering_fields = list(source.cluster_by)
    new.labels = settings.bigquery.labels | APP_LABEL
    new.description = TABLES[role]
    describe(client, client.create_table(new, exists_ok=True), role, settings)


def is_landed(table: bigquery.Table) -> bool:
    """Whether `land` created a source; no other one is written."""
    return LANDED_BY.items() <= table.labels.items()


def expires(table: bigquery.Table) -> bool:
    """Whether a table, or each of its partitions, ends by itself: what a dataset's defaults do to every new table."""
    partitioning = table.time_partitioning
    return table.expires is not None or (partitioning is not None and partitioning.expiration_ms is not None)


def complete(client: bigquery.Client, table: bigquery.Table, create: str) -> list[str]:
    """Gives one of our own tables, which an earlier version made, the columns that its CREATE TABLE has.

    Returns:
        What was added, as `table.column`.
    """
    lacking = missing_columns(create, "bigquery", [field.name for field in fields_of(table)])
    added = [bigquery.SchemaField(name, kind) for name, kind in lacking]
    if added:
        table.schema = [*fields_of(table), *added]
        client.update_table(table, ["schema"])
    return [f"{table.table_id}.{field.name}" for field in added]


def follow_source(
    client: bigquery.Client,
    table: bigquery.Table,
    fields: Sequence[bigquery.SchemaField],
    settings: Settings,
    role: str,
    alter: Callable[[str], object],
) -> list[str]:
    """Gives a published table the source's new columns, new fields of its records and wider types, in place; describes it.

    Args:
        fields: What the table is to have.
        settings: Name the source, and the labels.
        role: Of the table.
        alter: Runs a statement.

    Returns:
        What was added, as `table.column`.

    Raises:
        SourceColumnsError: A column's type changed to one that does not hold what is published; nothing was written.
    """
    wanted = {field.name.lower(): field for field in fields}
    known = fields_of(table)
    clashes = [
        f"{f.name} ({type_of(f)} became {type_of(new)})"
        for f in known
        if (new := wanted.get(f.name.lower())) is not None and not _holds(new, f)
    ]
    if clashes:
        raise SourceColumnsError(
            f"the type of a column of {settings.tables.source} changed against {table.table_id}: {', '.join(clashes)}",
            "Nothing was written. Change the source's column back, or rebuild the published tables under new names.",
        )
    for field in known:
        new = wanted.get(field.name.lower(), field)
        if _standard(new) != _standard(field):
            name, kind = f"{table.project}.{table.dataset_id}.{table.table_id}", type_of(new)
            alter(f"ALTER TABLE {quote(name)} ALTER COLUMN {quote(field.name)} SET DATA TYPE {kind}")
    have = {field.name.lower() for field in known}
    added = [field for field in fields if field.name.lower() not in have]
    grown = [_grown(field, wanted.get(field.name.lower(), field)) for field in known]
    if added or any(type_of(new) != type_of(old) for new, old in zip(grown, known, strict=True)):
        table = client.get_table(table.reference)  # another one since a type was changed
        table.schema = [*grown, *added]
        table = client.update_table(table, ["schema"])
    describe(client, table, role, settings)
    return [f"{table.table_id}.{field.name}" for field in added]


def _holds(new: bigquery.SchemaField, old: bigquery.SchemaField) -> bool:
    """Whether every value of a field is one of another field's type, and BigQuery changes the one into the other in place.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language, "column data type".
    """
    if (new.mode == "REPEATED") != (old.mode == "REPEATED"):
        return False
    kinds = _standard(old), _standard(new)
    if kinds == ("STRUCT", "STRUCT"):
        # A record is written by the order of its fields, whatever their names: new ones come last.
        pairs = zip(old.fields, new.fields, strict=False)
        same = [f.name.lower() == at.name.lower() and type_of(f) == type_of(at) for f, at in pairs]
        return len(same) == len(old.fields) and all(same)
    return kinds[0] == kinds[1] or (kinds[1] in WIDER.get(kinds[0], ()) and old.mode != "REPEATED")


def _grown(old: bigquery.SchemaField, new: bigquery.SchemaField) -> bigquery.SchemaField:
    """A field as the source has it now, with what is described of the published one."""
    if type_of(old) == type_of(new):
        return old
    return _changed(new, mode=old.mode or "NULLABLE", description=old.description)


def describe(client: bigquery.Client, table: bigquery.Table, role: str, settings: Settings) -> None:
    """Writes descriptions, labels and the demand for a day where they are not as the settings want them; ends expirations."""
    changed: list[str] = []
    if table.expires is not None:
        table.expires = None
        changed.append("expires")
    if (partitioning := table.time_partitioning) is not None and partitioning.expiration_ms is not None:
        partitioning.expiration_ms = None
        changed.append("time_partitioning")
    labels = settings.bigquery.labels | APP_LABEL
    if table.description != TABLES[role]:
        table.description = TABLES[role]
        changed.append("description")
    if any(table.labels.get(key) != value for key, value in labels.items()):
        table.labels = table.labels | labels
        changed.append("labels")
    fields = _described(fields_of(table), role, settings)
    if [f.description for f in fields] != [f.description for f in fields_of(table)]:
        table.schema = fields
        changed.append("schema")
    wanted = settings.bigquery.require_partition_filter
    if role in ("events", "rejected") and bool(table.require_partition_filter) != wanted:
        table.require_partition_filter = wanted
        changed.append("require_partition_filter")
    if changed:
        client.update_table(table, changed)


def _described(fields: Sequence[bigquery.SchemaField], role: str, settings: Settings) -> list[bigquery.SchemaField]:
    texts = column_descriptions(role, settings.columns)
    return [
        f if f.description or f.name.lower() not in texts else _changed(f, description=texts[f.name.lower()])
        for f in fields
    ]


def _changed(field: bigquery.SchemaField, **properties: Any) -> bigquery.SchemaField:
    """The same field, precision and policy tags included, with other properties."""
    known = cast("dict[str, Any]", field.to_api_repr())  # pyright: ignore[reportUnknownMemberType]
    return bigquery.SchemaField.from_api_repr({**known, **properties})  # pyright: ignore[reportUnknownMemberType]


def reads(view: bigquery.Table, table_id: str) -> bool:
    """Whether a view names a table."""
    return table_id in str(view.view_query)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
