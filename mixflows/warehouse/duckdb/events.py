"""What DuckDB makes of a line: either the values of an event's columns, or the reason why it is no event.

SQL in DuckDB's own words, built for the settings: which properties become columns, and what `properties.time` counts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixflows.intake.landing import promoted_columns
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.files import Lines, literal

TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
}
NO_OBJECT = "not a JSON object"
NO_PROPERTIES = "no properties"
NO_TIME = "time is missing or no time"
OUT_OF_RANGE = "time is out of range"
LOOKS_LIKE = {
    "s": "time looks like milliseconds, but the setting says seconds",
    "ms": "time looks like seconds, but the setting says milliseconds",
}
IMPLAUSIBLE = {
    # Beyond 10^11 a second lies after the year 5138, and below it a millisecond before March 1973. Milliseconds up to
    # 10^8 are taken as they are: the first day of 1970, where devices without a clock live.
    "s": "abs(number) > 100000000000",
    "ms": "abs(number) > 100000000 AND abs(number) < 100000000000",
}
MICROS_PER_UNIT = {"s": 1_000_000, "ms": 1_000}
# A day inside the years 1 to 9999, so that it is a date in every time zone; BigQuery's TIMESTAMP has the same bounds.
FIRST_SECOND, END_SECOND = -62_135_510_400, 253_402_128_000
PATHS = ("/properties/time", "/properties", "/event")


@dataclass(frozen=True)
class Property:
    """A property that becomes a column.

    Attributes:
        raw: SQL of the property as text.
        value: SQL of the typed value; where it is NULL and `raw` is not, the property stays in `properties`.
    """

    key: str
    column: str
    type: str
    raw: str
    value: str


def event_properties(settings: Settings, present: Sequence[str]) -> tuple[Property, ...]:
    """The properties that become columns: the copy's own, then the promoted ones that are present."""
    roles = settings.columns
    wanted = [("distinct_id", roles.distinct_id, "VARCHAR"), ("$insert_id", roles.insert_id, "VARCHAR")]
    if roles.arrival is not None:
        wanted.append(("mp_processing_time_ms", roles.arrival, "BIGINT"))
    columns = promoted_columns(settings)
    wanted += [(name, columns[name], TYPES[settings.landing.promote[name]]) for name in columns if name in present]
    return tuple(
        Property(key, column, kind, raw := f"f[{place}]", _typed(raw, kind))
        for place, (key, column, kind) in enumerate(wanted, start=len(PATHS) + 1)
    )


def _typed(raw: str, kind: str) -> str:
    match kind:
        case "VARCHAR":
            return raw
        case "BIGINT":  # a cast alone would round 12.7 to 13
            integer = f"TRY_CAST({raw} AS BIGINT)"
            return f"CASE WHEN {integer} = TRY_CAST({raw} AS DECIMAL(38, 6)) THEN {integer} END"
        case "DOUBLE":
            number = f"TRY_CAST({raw} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case "TIMESTAMP WITH TIME ZONE":  # without an offset it is UTC, whatever the session's time zone
            readings = (f"{raw} || 'Z'", f"{raw} || ' 00:00:00Z'", raw)
            return f"coalesce({', '.join(f'TRY_CAST({reading} AS {kind})' for reading in readings)})"
        case _:
            return f"TRY_CAST({raw} AS {kind})"


def readings(lines: Lines, properties: Sequence[Property] = (), *, numbered: bool = False) -> str:
    """A WITH clause whose last relation, `readings`, has one row per line: `f` (its fields), `micros` and `reason`.

    `reason` is NULL for an event. `micros` counts microseconds since 1970 on the file's wall clock.
    """
    paths = [*PATHS, *(f"/properties/{_pointer(p.key)}" for p in properties)]
    # Lines are looked for on their time alone: the fewer fields, the faster.
    fields = ", ".join(literal(path) for path in (paths[:1] if numbered else paths))
    per_second = 1_000_000 // MICROS_PER_UNIT[lines.time_unit]
    in_range = f"(number >= {FIRST_SECOND * per_second} AND number < {END_SECOND * per_second})"
    return f"""
WITH lines AS ({lines.numbered_sql if numbered else lines.sql}),
fields AS (SELECT *, json_extract_string(line, [{fields}]) AS f FROM lines),
numbers AS (SELECT *, TRY_CAST(f[1] AS DECIMAL(27, 6)) AS number FROM fields),
readings AS (
  SELECT
    *,
    CASE WHEN {in_range} THEN CAST(number * {MICROS_PER_UNIT[lines.time_unit]} AS BIGINT) END AS micros,
    CASE
      WHEN line IS NULL THEN '{NO_OBJECT}'
      WHEN number IS NULL THEN
        CASE
          WHEN json_type(line) <> 'OBJECT' THEN '{NO_OBJECT}'
          WHEN json_type(line, '/properties') IS DISTINCT FROM 'OBJECT' THEN '{NO_PROPERTIES}'
          ELSE '{NO_TIME}'
        END
      WHEN {IMPLAUSIBLE[lines.time_unit]} THEN '{LOOKS_LIKE[lines.time_unit]}'
      WHEN NOT {in_range} THEN '{OUT_OF_RANGE}'
    END AS reason
  FROM numbers
)
"""


def event_values(settings: Settings, lines: Lines, properties: Sequence[Property]) -> Mapping[str, tuple[str, str]]:
    """The source's columns in order, each with its type and the SQL of its value over `readings`.

    `$landed_at` and `$file_name` are parameters.
    """
    roles, zone = settings.columns, settings.project_timezone
    instant = f"make_timestamp(micros) AT TIME ZONE {literal(lines.wall_clock)}"
    day = f"CAST({instant} AT TIME ZONE {literal(zone)} AS DATE)"
    if zone == lines.wall_clock == "UTC":
        day = "CAST(make_timestamp(micros) AS DATE)"
    columns = {roles.event_name: ("VARCHAR", "f[3]"), roles.time: ("TIMESTAMP WITH TIME ZONE", instant)}
    columns |= {p.column: (p.type, p.value) for p in properties}
    columns["properties"] = ("JSON", f"json_merge_patch(f[2], {_patch(properties)})")
    if roles.partition_date is not None:
        columns[roles.partition_date] = ("DATE", day)
    if roles.loaded_at is not None:
        columns[roles.loaded_at] = ("TIMESTAMP WITH TIME ZONE", "CAST($landed_at AS TIMESTAMPTZ)")
    columns["source_file"] = ("VARCHAR", "CAST($file_name AS VARCHAR)")
    return columns


def _patch(properties: Sequence[Property]) -> str:
    """SQL of the JSON patch that takes what became a column out of `properties`, and leaves what no type could hold."""
    always = ["time", *(p.key for p in properties if p.type == "VARCHAR")]
    typed = [p for p in properties if p.type != "VARCHAR"]
    everything = literal(json.dumps(dict.fromkeys([*always, *(p.key for p in typed)])))
    if not typed:
        return everything
    kept = " OR ".join(f"({p.raw} IS NOT NULL AND {p.value} IS NULL)" for p in typed)
    members = [literal(json.dumps(dict.fromkeys(always)).removesuffix("}"))]
    for p in typed:
        member = literal(f", {json.dumps(p.key)}: null")
        members.append(f"CASE WHEN {p.value} IS NULL THEN '' ELSE {member} END")
    return f"CASE WHEN {kept} THEN {' || '.join(members)} || '}}' ELSE {everything} END"


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
