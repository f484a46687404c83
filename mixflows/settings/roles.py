"""Contradictions between names in the settings: tables and columns that would play two roles."""

import re
from collections.abc import Collection, Mapping
from itertools import combinations

RESERVED_PREFIX = "mf__"
"""Of all that statements name themselves; no column of the source and no table may begin with it."""
SHORT_LIVED_TABLE = re.compile(r"stg_mp_(touched|copies|dedup_events|judged|events|rejected)_\d{8}_", re.IGNORECASE)
"""How the names of a batch's short-lived tables begin."""
REJECTED_COLUMNS = {
    "row_num": "INT64",
    "rejection_reason": "STRING",
    "rejection_timestamp": "TIMESTAMP",
    "is_exact_copy": "BOOL",
    "run_id": "STRING",
}
"""Columns that the rejected copies have besides the source's, with their types."""
OWN_COLUMNS = (*REJECTED_COLUMNS, "properties", "source_file", "partition_date", "gone_since")
"""Columns that landed or published tables have whatever a property is called."""
PROMOTED = "customer_id"
"""The property that is promoted by default."""
MAY_BE_ONE_COLUMN = ({"arrival", "loaded_at"}, {"distinct_id", "customer_id"})
"""Roles that one column may play: a source may know of one instant of delivery only, and users may be known by the
customer's id alone."""
ABOUT_THE_EVENT = ("insert_id", "time", "event_name", "distinct_id", "customer_id")


def refuse_shared_tables(places: Mapping[str, tuple[str, str]]) -> None:
    """Refuses tables of which two are one, and names that mixflows uses for tables of its own.

    Args:
        places: Schema and name of each table by its setting; they are compared without case.

    Raises:
        ValueError: Two settings name one table, or a name is reserved.
    """
    for setting, (_, name) in places.items():
        if name.lower().startswith(RESERVED_PREFIX) or SHORT_LIVED_TABLE.match(name):
            raise ValueError(f"{setting} is {name}; mixflows uses such names for short-lived tables, so name another")
    for (setting, place), (other, same) in combinations(places.items(), 2):
        if [part.casefold() for part in place] == [part.casefold() for part in same]:
            raise ValueError(f"{setting} and {other} both name the table {place[1]}; give each a table of its own")


def refuse_shared_columns(roles: Mapping[str, str | None], about_the_copy: Collection[str]) -> None:
    """Refuses columns that would play two roles that exclude each other; names are compared without case.

    Args:
        roles: Each column by its role; None where there is none.
        about_the_copy: Columns that tell of a copy's delivery.

    Raises:
        ValueError: One column plays two such roles, or one that mixflows itself gives to all columns of that name.
    """
    named = {role: column.casefold() for role, column in roles.items() if column is not None}
    for role, column in named.items():
        if column == "properties" or column in REJECTED_COLUMNS or column.startswith(RESERVED_PREFIX):
            whose = "has the event's properties" if column == "properties" else "is a column that mixflows itself adds"
            raise ValueError(f"columns.{role} names {roles[role]}, which {whose}; name another column")
    for first, second in combinations(named, 2):
        if named[first] == named[second] and {first, second} not in MAY_BE_ONE_COLUMN:
            advice = f' or set columns.{second} = "none"' if second in ("arrival", "loaded_at", "day") else ""
            raise ValueError(
                f"columns.{first} and columns.{second} both name the column {roles[first]}; name another column{advice}"
            )
    about = {column.casefold() for column in about_the_copy}
    for role in ABOUT_THE_EVENT:
        if named.get(role) in about:
            raise ValueError(
                f"columns.about_the_copy names {roles[role]}, which columns.{role} makes a part of the event;"
                " remove it from one of the two"
            )


def promoted_columns(properties: Collection[str], roles: Mapping[str, str | None]) -> dict[str, str]:
    """Names the column of each property to promote: `$os` becomes `mp_os`, lowercased, as Mixpanel's own pipelines do.

    A property that is promoted by default stays in `properties` where a role needs its column.

    Args:
        properties: The properties to promote.
        roles: Each column that no property may take, by its role; None where there is none.

    Raises:
        ValueError: Two properties, or a property and a column that the tables need, come to the same name.
    """
    taken = {name: f"{name} is a column that mixflows itself adds" for name in OWN_COLUMNS}
    taken |= {name.lower(): f"columns.{role} is {name}" for role, name in roles.items() if name is not None}
    columns: dict[str, str] = {}
    for name in properties:
        column = re.sub(r"\W", "_", re.sub(r"^\$", "mp_", name).lower(), flags=re.ASCII)
        column = f"_{column}" if column[:1].isdigit() or not column else column
        if column in taken and list(properties) == [PROMOTED]:
            continue
        if column in taken or column.startswith(RESERVED_PREFIX):
            why = taken.get(column, f"names that begin with {RESERVED_PREFIX} are reserved")
            raise ValueError(
                f"landing.promote: property {name!r} would become the column {column}, but {why}; take it out of"
                " landing.promote: it stays in `properties`, or is a column already"
            )
        taken[column] = f"property {name!r} becomes {column} too"
        columns[name] = column
    return columns
