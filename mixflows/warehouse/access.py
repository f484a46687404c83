"""How Great Expectations reaches the staged days: what SQLAlchemy needs, and no more."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

Narrowed = Callable[[str, Sequence[str]], AbstractContextManager[str]]


@dataclass(frozen=True)
class RowAccess:
    """A door to the staged days through SQLAlchemy.

    Attributes:
        connection_string: SQLAlchemy's URL of the warehouse, such as `duckdb:///:memory:` where `creator` connects.
        schema_name: Where the staged days are, such as `staging.main`; None for the connection's own schema.
        engine_options: Further arguments of `sqlalchemy.create_engine`. Connections of a `creator`, a function that
            returns a DBAPI connection, are never pooled, so that it may hand out cursors of one open connection.
        narrowed: Gives, for a while, a table with some columns of a staged day alone, where reading the staged day
            again and again costs more than writing these columns once; None where it does not. One at a time.
    """

    connection_string: str
    schema_name: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    narrowed: Narrowed | None = None
