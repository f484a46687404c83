"""What the engines word differently."""

from collections.abc import Sequence
from typing import Protocol

from mixflows.warehouse.source import Column


class Dialect(Protocol):
    """What the engines word differently; every method returns SQL that the templates of `sql/` hold."""

    def quote(self, name: str) -> str:
        """An identifier."""
        ...

    def literal(self, text: str) -> str:
        """A string."""
        ...

    def text(self, value: str, column: Column) -> str:
        """A value as text, for the fingerprint; NULL where it is NULL."""
        ...

    def json_text(self, value: str, without: str) -> str:
        """A JSON object as canonical text, without the members that a text names, a line each."""
        ...

    def member(self, value: str, name: str) -> str:
        """A member of a JSON object as text; NULL where it is absent or null."""
        ...

    def typed(self, text: str, column: Column) -> str:
        """A text as a value of a column's type; NULL where it is none."""
        ...

    def row_hash(self, values: Sequence[str]) -> str:
        """A 64-bit hash of values, NULLs among them."""
        ...

    def in_days(self, day: str) -> str:
        """Whether a bare DATE column is one of the statement's days, which are constants."""
        ...

    def in_instants(self, day: str) -> str:
        """The same of a TIMESTAMP column that holds midnights in UTC."""
        ...

    def in_bounds(self, time: str) -> str:
        """Whether a bare TIMESTAMP column lies in one of the statement's days."""
        ...

    def day_of(self, time_us: str) -> str:
        """The one of the statement's days that an instant, in microseconds since 1970, lies in; else NULL."""
        ...
