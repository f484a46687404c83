"""What DuckDB makes of a line: either the values of an event's columns, or the reason why it is no event.

SQL in DuckDB's own words, built for the settings: which properties become columns, and what `properties.time` counts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixflows.days import MICROS_PER_UNIT
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.files import Lines
from mixflows.warehouse.duckdb.parquet import INSERT_ID_NAMES
from mixflows.warehouse.duckdb.quoting import literal
from mixflows.warehouse.duckdb.types import NATIVE_TYPES

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
NUMBER = "DECIMAL(27, 6)"
# A day inside the years 1 to 9999, so that it is a date in every time zone; BigQuery's TIMESTAMP has the same bounds.
FIRST_SECOND, END_SECOND = -62_135_510_400, 253_402_128_000
PATHS = ("/properties/time", "/properties", "/event")


@dataclass(frozen=True)
class Property:
    """A property that becomes a column.

    Attributes:
        keys: Its names; the first that has a value counts, and the others stay in `properties`.
        raws: SQL of each of them as text.
        value: SQL of the typed value; where it is NULL and `raw` is not, the property stays in `properties`.
        is_promoted: Whether the settings name it; else it plays a role.
    """

    keys: tuple[str, ...]
    column: str
    type: str
    raws: tuple[str, ...]
    value: str
    is_promoted: bool

    @property
    def key(self) -> str:
        """The first name."""
        return self.keys[0]

    @property
    def raw(self) -> str:
        """SQL of the property as text."""
        return _first_value(self.raws)


def event_properties(settings: Settings, present: Sequence[str]) -> tuple[Property, ...]:
    """The properties that become columns: the copy's own, then the promoted ones that are present."""
    roles = settings.columns
    wanted = [
        (("distinct_id",), roles.distinct_id, "VARCHAR", False),
        (INSERT_ID_NAMES, roles.insert_id, "VARCHAR", False),
    ]
    if roles.arrival is not None:
        wanted.append((("mp_processing_time_ms",), roles.arrival, "BIGINT", False))
    columns = settings.promoted_columns
    wanted += [
        ((name,), column, NATIVE_TYPES[settings.landing.promote[name]], True)
        for name, column in columns.items()
        if name in present
    ]
    properties: list[Property] = []
    place = len(PATHS) + 1
    for keys, column, kind, is_promoted in wanted:
        raws = tuple(f"f[{i}]" for i in range(place, place + len(keys)))
        properties.append(Property(keys, column, kind, raws, _typed(_first_value(raws), kind), is_promoted))
        place += len(keys)
    return tuple(properties)


def _first_value(raws: Sequence[str]) -> str:
    return raws[0] if len(raws) == 1 else f"coalesce({', '.join(raws)})"


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
    """A WITH clause whose last relation, `readings`, has one row per line.

    Columns: `f`, its fields; `micros`, the time in microseconds since 1970, as if its clock were UTC's; `reason`, NULL for an event;
    unless numbered, `beside`, the names of fields beside `event` and `properties`, NULL where there are none.
    """
    paths = [*PATHS, *(f"/properties/{_pointer(key)}" for p in properties for key in p.keys)]
    # Lines are looked for on their time alone: the fewer fields, the faster.
    fields = ", ".join(literal(path) for path in (paths[:1] if numbered else paths))
    beside = "" if numbered else f", {_beside() if lines.may_have_fields else 'NULL::VARCHAR[]'} AS beside"
    per_second = 1_000_000 // MICROS_PER_UNIT[lines.time_unit]
    in_range = f"(number >= {FIRST_SECOND * per_second} AND number < {END_SECOND * per_second})"
    return f"""
WITH lines AS ({lines.numbered_sql if numbered else lines.sql}),
fields AS (SELECT *, json_extract_string(line, [{fields}]) AS f{beside} FROM lines),
numbers AS (SELECT *, TRY_CAST(f[1] AS {NUMBER}) AS number FROM fields),
readings AS (
  SELECT
    *,
    CASE WHEN {in_range} THEN {_micros("number", lines.time_unit)} END AS micros,
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


def _beside() -> str:
    keys = "json_keys(line)"
    others = f"list_filter({keys}, lambda k: k NOT IN ('event', 'properties'))"
    return f"CASE WHEN {keys} <> ['event', 'properties'] AND len({others}) > 0 THEN {others} END"


def event_values(settings: Settings, lines: Lines, properties: Sequence[Property]) -> Mapping[str, tuple[str, str]]:
    """The source's columns in order, each with its type and the SQL of its value over `readings`.

    The time and the day are those of a clock in UTC; see `landed_days`. `$landed_at` and `$file_name` are parameters.
    """
    roles = settings.columns
    columns = {
        roles.event_name: ("VARCHAR", "f[3]"),
        roles.time: (NATIVE_TYPES["TIMESTAMP"], "make_timestamptz(micros)"),
    }
    columns |= {p.column: (p.type, p.value) for p in properties}
    columns["properties"] = ("JSON", _with_fields(lines, properties))
    if roles.day is not None:
        columns[roles.day] = ("DATE", "CAST(make_timestamp(micros) AS DATE)")
    if roles.loaded_at is not None:
        columns[roles.loaded_at] = ("TIMESTAMP WITH TIME ZONE", "CAST($landed_at AS TIMESTAMPTZ)")
    columns["source_file"] = ("VARCHAR", "CAST($file_name AS VARCHAR)")
    return columns


def reading_us(unit: str) -> str:
    """SQL of the time as it was delivered, of a landed row that keeps it: microseconds since 1970, as if its clock were UTC's."""
    return _micros(
        f"TRY_CAST(json_extract_string(properties, '{PATHS[0].rpartition('/properties')[2]}') AS {NUMBER})", unit
    )


def _micros(number: str, unit: str) -> str:
    return f"CAST({number} * {MICROS_PER_UNIT[unit]} AS BIGINT)"


def dropped_fields(lines: Lines, properties: Sequence[Property]) -> str:
    """SQL of how many fields beside `event` and `properties` have a name that is not free in `properties`."""
    return f"CASE WHEN beside IS NULL THEN 0 ELSE len(beside) - len({_free(lines, properties)}) END"


def _with_fields(lines: Lines, properties: Sequence[Property]) -> str:
    """SQL of `properties` without what became a column, and with the fields beside it whose names are free."""
    rest = _rest(lines, properties)
    free = _free(lines, properties)
    nulls = f"""'{{"event":null,"properties":null' || array_to_string(list_transform(
        list_filter(beside, lambda k: NOT list_contains({free}, k)), lambda k: ',' || to_json(k) || ':null'), '') || '}}'"""
    fields = f"json_merge_patch(line, {nulls})"
    both = f"left({rest}, -1) || CASE WHEN {rest} = '{{}}' THEN '' ELSE ',' END || substr({fields}, 2)"
    return f"CASE WHEN beside IS NULL OR len({free}) = 0 THEN {rest} ELSE CAST({both} AS JSON) END"


def _free(lines: Lines, properties: Sequence[Property]) -> str:
    in_columns = [f"CASE WHEN {p.raw} IS NOT NULL THEN {literal(p.key)} END" for p in properties if p.is_promoted]
    taken = f"json_keys({_rest(lines, properties)})"
    if in_columns:
        taken = f"list_concat({taken}, [{', '.join(in_columns)}])"
    return f"list_filter(beside, lambda k: NOT list_contains({taken}, k))"


def _rest(lines: Lines, properties: Sequence[Property]) -> str:
    return f"json_merge_patch(f[2], {_patch(lines, properties)})"


def _patch(lines: Lines, properties: Sequence[Property]) -> str:
    """SQL of the JSON patch that takes what became a column out of `properties`, and leaves what no type could hold."""
    # From a wall clock the instant depends on the zone: the time as it was delivered stays, to find the day anew.
    always = [] if lines.is_local else ["time"]
    always += [p.key for p in properties if p.type == "VARCHAR"]
    typed = [p for p in properties if p.type != "VARCHAR"]
    others = [(p.keys[i], p.raws[i], p.raws[:i]) for p in properties for i in range(1, len(p.keys))]
    everything = literal(json.dumps(dict.fromkeys([*always, *(p.key for p in typed)])))
    if not typed and not others:
        return everything
    kept = " OR ".join(f"({p.raw} IS NOT NULL AND {p.value} IS NULL)" for p in typed)
    is_other = [f"({raw} IS NOT NULL AND {' AND '.join(f'{r} IS NULL' for r in before)})" for _, raw, before in others]
    members = [literal(json.dumps(dict.fromkeys(always)).removesuffix("}"))]
    for p in typed:
        member = literal(f", {json.dumps(p.key)}: null")
        members.append(f"CASE WHEN {p.value} IS NULL THEN '' ELSE {member} END")
    for (name, _, _), test in zip(others, is_other, strict=True):
        members.append(f"CASE WHEN {test} THEN {literal(f', {json.dumps(name)}: null')} ELSE '' END")
    special = " OR ".join(filter(None, [kept, *is_other]))
    return f"CASE WHEN {special} THEN {' || '.join(members)} || '}}' ELSE {everything} END"


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
