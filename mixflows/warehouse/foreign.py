"""Tables and views of others that stand under the names of ours."""

from collections.abc import Collection

from mixflows.errors import UsageError
from mixflows.settings import Settings
from mixflows.warehouse.descriptions import VIEWS
from mixflows.warehouse.source import PUBLISHED_DAY


def refuse_foreign(settings: Settings, role: str, columns: Collection[str], *, is_view: bool) -> None:
    """Refuses what cannot be one of our tables or views.

    Args:
        settings: Name the tables.
        role: Whose name it has.
        columns: Its columns.
        is_view: Whether it is a view.

    Raises:
        UsageError: A table is a view, or the other way round, or a published table has no day.
    """
    wanted = "view" if role in VIEWS else "table"
    if is_view != (role in VIEWS):
        why = f"it is a {'view' if is_view else 'table'}"
    elif role in ("events", "rejected") and PUBLISHED_DAY not in map(str.lower, columns):
        why = f"it has no column {PUBLISHED_DAY}"
    else:
        return
    raise UsageError(
        f"{getattr(settings.tables, role)} is not the {wanted} of that name that mixflows makes: {why}",
        f"Set another name as tables.{role}, or rename what is there.",
    )
