"""The statements that land a file, as the BigQuery engine sends them, and those that date landed rows anew."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from mixflows.intake.landing import Landing
from mixflows.model import Run
from mixflows.warehouse.bigquery.dataset import Dataset
from mixflows.warehouse.bigquery.dialect import quote
from mixflows.warehouse.bigquery.landed_days import LandedDays
from mixflows.warehouse.bigquery.landing import FileLandings
from mixflows.warehouse.bigquery.staged_files import MALFORMED, StagedFile

COMMITS = ("land_log", "land_alone", "land_rows", "land_rows")
BEGINNINGS = {"Gives landed rows, whose": "land_times", "Gives landed rows that": "land_days", "Counts": "land_redated"}


def landing_texts(
    files: FileLandings,
    landed: LandedDays | None,
    dataset: Dataset,
    columns: Mapping[str, str],
    days: Sequence[date],
    sent: list[tuple[str, dict[str, str]]],
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Names, texts and parameters, tables before what reads them.

    Args:
        columns: Of the source; the file's rows were staged with the same.
        days: Of the file.
        sent: Where what is run is kept; emptied.
    """
    events, malformed = (dataset.short_lived_id(f"delivered_{name}") for name in ("events", "malformed"))
    for table, kinds in ((events, columns), (malformed, MALFORMED)):
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in kinds.items())
        yield "filled by load jobs", f"CREATE TABLE {quote(table)} ({listed})", {}
    at = datetime(2026, 4, 1, 12, tzinfo=UTC)
    landing = Landing("x", "0", 2, 1, 1, 0, 0, (), 0, 0, ((days[0], 1), (None, 1)), at, "UTC", "s")
    files.commit(StagedFile(landing, Run("conformance"), columns, (), (), events, malformed), again=False)
    ((script, parameters),) = sent
    _, *statements, _, _ = script.split(";\n")
    yield from ((name, sql, parameters) for name, sql in zip(COMMITS, statements, strict=True))
    sent.clear()
    if landed is not None:
        landed.date_anew()
        yield "land_stale", *sent.pop()
        for sql in landed.statements([*days, None], ["s", "ms"]):
            name = next((name for words, name in BEGINNINGS.items() if sql.startswith(f"-- {words}")), "land_dated")
            yield name, sql, {}
