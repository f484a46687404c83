"""The section `[landing]` of the settings: how raw-export files are read, and how they get to BigQuery."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from mixflows.settings.base import Frozen, none_word
from mixflows.settings.roles import PROMOTED

PromotedType = Literal["STRING", "INT64", "FLOAT64", "BOOL", "TIMESTAMP"]
PLACE = r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*"
"""A bucket and, within it, folders without the characters that mean something else in the address of an object.

Source: https://cloud.google.com/storage/docs/buckets#naming
"""


class LandingSettings(Frozen):
    """How raw-export files are read."""

    time_unit: Literal["s", "ms"] = "s"
    """Unit of `properties.time`: seconds, or milliseconds for exports made with `time_in_ms`."""
    time_zone: Literal["UTC", "project"] = "UTC"
    """The clock of `properties.time`: UTC (projects created since 2023), or the project's local time. An ambiguous local time is
    read as the later one; a skipped local time is read with the offset before the gap."""
    promote: dict[str, PromotedType] = Field(default_factory=lambda: {PROMOTED: "STRING"})
    """Properties that become typed columns, as STRING, INT64, FLOAT64, BOOL or TIMESTAMP; all others stay in `properties`."""
    max_line_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, le=1024**3)
    """The longest line that is read as an event, in bytes."""
    bucket: Annotated[str | None, BeforeValidator(none_word)] = None
    """A Cloud Storage bucket, such as `gs://my-bucket/landing`, through which rows are loaded into BigQuery. By default they are
    uploaded to BigQuery itself. DuckDB needs none."""

    @field_validator("bucket")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        if value is None:
            return None
        place = value.rstrip("/")
        if not re.fullmatch(PLACE, place):
            raise ValueError(
                f"{value!r} is not the address of a bucket, such as gs://my-bucket or gs://my-bucket/folder; in a folder's name are"
                " letters, digits, _, =, . and - only"
            )
        return place
