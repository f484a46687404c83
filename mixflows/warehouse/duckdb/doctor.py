"""The doctor's look at a DuckDB file."""

from collections.abc import Callable, Iterator

from mixflows.errors import MissingTableError, MixflowsError
from mixflows.settings import Settings
from mixflows.warehouse.checks import Check, failed, fresh, ok, source_checks
from mixflows.warehouse.duckdb.connection import LAND_FIRST, WHERE
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse


def duckdb_checks(settings: Settings) -> Iterator[Check]:
    """Looks at the file, the source and its days. Writes nothing, and makes no file."""
    path = settings.warehouse.path
    if not path.parent.is_dir():
        yield failed("file", f"the folder {path.parent} of warehouse.path is not there", WHERE)
        return
    if not path.is_file():
        yield fresh("file", f"{path} is not there yet", f"{LAND_FIRST}\n{WHERE}")
        return
    try:
        warehouse = DuckDBWarehouse(settings)
    except MixflowsError as err:
        yield failed("file", err.message, err.hint)
        return
    try:
        yield ok("file", f"{path} opens, and no other process holds it")
        if all(_is_missing(look) for look in (warehouse.source, warehouse.published_rows)):
            yield fresh("source", "nothing has been landed yet", LAND_FIRST)
        else:
            yield from source_checks(warehouse, settings)
    finally:
        warehouse.close()


def _is_missing(look: Callable[[], object]) -> bool:
    """Whether a look at a table finds that it is not there; any other error is for the checks to tell."""
    try:
        look()
    except MissingTableError:
        return True
    except MixflowsError:
        return False
    return False
