"""Renders the statements of `sql/`: Jinja templates in BigQuery's dialect, readable as they stand.

A statement names the long-lived tables as `{{ source }}`, `{{ events }}`, …, a day's short-lived ones as `{{ stage }}`,
`{{ copies }}`, `{{ rejected_next }}`, values as `@parameters`, and the key and content columns through the macros below.
Rendering is done once per statement and set of flags; a day's names and values come in afterwards.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined

from mixflows.settings import Settings
from mixflows.warehouse.source import SOURCE_FILE, Column, SourceShape, profiled_columns

DAY_TABLES = ("stage", "copies", "rejected_next")
"""Short-lived tables; a rendered statement names them `__stage__` and so on until it is bound to a day."""

NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")

TextRule = Callable[[str, Column], str]
"""How a column's value becomes text for the fingerprint: (SQL of the value, column) to SQL of the text."""


def quote(name: str) -> str:
    """Quotes an identifier for BigQuery; the only place where that is done."""
    return f"`{name}`"


@cache
def _environment() -> Environment:
    folder = files("mixflows") / "sql"

    def load(name: str) -> str | None:
        path = folder / f"{name}.sql"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    # The output is SQL, never HTML; identifiers are checked by the settings and quoted by `quote`.
    return Environment(
        loader=FunctionLoader(load), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )


class Expressions:
    """SQL of the key, the judgement and the fingerprint over the rows of one alias, for templates.

    Args:
        shape: The source's columns and roles.
        settings: Rules of the pipeline.
        text_rule: The engine's way to write a value as text.
    """

    def __init__(self, shape: SourceShape, settings: Settings, text_rule: TextRule) -> None:
        self._shape = shape
        self._keeps_missing = settings.pipeline.missing_insert_id == "keep"
        self._time_zone = settings.project_timezone
        self._text_rule = text_rule

    def columns(self, alias: str) -> str:
        """All columns of the source."""
        return ", ".join(f"{alias}.{quote(c.name)}" for c in self._shape.columns)

    def published_columns(self) -> str:
        """All columns of the published events, unqualified; the day is added where the source lacks it."""
        names = [quote(c.name) for c in self._shape.columns]
        return ", ".join(names if self._shape.has_day_column else [*names, quote("partition_date")])

    def published_values(self, alias: str) -> str:
        """Values for `published_columns` from a source row."""
        values = self.columns(alias)
        return values if self._shape.has_day_column else f"{values}, @day"

    def published_select(self, alias: str) -> str:
        """`published_values`, each under its name."""
        values = self.columns(alias)
        return values if self._shape.has_day_column else f"{values}, @day AS {quote('partition_date')}"

    def assignments(self, alias: str) -> str:
        """`column = alias.column` for every column of the source."""
        return ", ".join(f"{quote(c.name)} = {alias}.{quote(c.name)}" for c in self._shape.columns)

    def key(self, alias: str) -> str:
        """The key's columns."""
        return ", ".join(f"{alias}.{quote(p.name)}" for p in self._shape.key)

    def key_names(self) -> str:
        """The key's columns, unqualified."""
        return ", ".join(quote(p.name) for p in self._shape.key)

    def key_as(self, alias: str, prefix: str) -> str:
        """The key's columns, each named `prefix_column`."""
        return ", ".join(f"{alias}.{quote(p.name)} AS {quote(f'{prefix}_{p.name}')}" for p in self._shape.key)

    def key_from(self, alias: str, prefix: str) -> str:
        """The key's columns, back from `key_as`."""
        return ", ".join(f"{alias}.{quote(f'{prefix}_{p.name}')} AS {quote(p.name)}" for p in self._shape.key)

    def same_key(self, a: str, b: str) -> str:
        """Whether two rows have the same key; NULLs of optional parts are equal. Hash-joinable; none without id."""
        return self._same([(p.name, p.name, p.optional) for p in self._shape.key], a, b)

    def same_key_as(self, a: str, b: str, prefix: str) -> str:
        """`same_key`, where the right side carries `key_as` names."""
        return self._same([(p.name, f"{prefix}_{p.name}", p.optional) for p in self._shape.key], a, b)

    def same_copy(self, a: str, b: str) -> str:
        """Whether two rows have the same key, NULLs equal throughout, `arrival` and, where it counts, `content`."""
        key = self._same([(p.name, p.name, True) for p in self._shape.key], a, b)
        same = f"{key} AND {self.same_arrival(f'{a}.arrival', f'{b}.arrival')}"
        return f"{same} AND {_same_content(a, b)}" if self._keeps_missing else same

    def same_arrival(self, a: str, b: str) -> str:
        """Whether two arrivals are equal, unknown ones among them."""
        left, right = (f"UNIX_MICROS({v})" if self._shape.arrival_type == "TIMESTAMP" else v for v in (a, b))
        return f"COALESCE({left}, 0) = COALESCE({right}, 0) AND ({a} IS NULL) = ({b} IS NULL)"

    def own_content(self, alias: str, fingerprint: str) -> str:
        """Where rows without insert id are kept: what tells them apart, as a column `content`; NULL with an id."""
        return f", {self._own_content(alias, fingerprint)} AS content" if self._keeps_missing else ""

    def _own_content(self, alias: str, fingerprint: str) -> str:
        arrival = f"COALESCE(CAST({self.arrival(alias)} AS STRING), '')"
        return f"CASE WHEN NOT ({self.has_id(alias)}) THEN CONCAT({fingerprint}, '@', {arrival}) END"

    def content(self, *aliases: str) -> str:
        """The column of `own_content` once more, from the one of the rows that has it."""
        if not self._keeps_missing:
            return ""
        if len(aliases) == 1:
            return f", {aliases[0]}.content"
        return f", COALESCE({', '.join(f'{alias}.content' for alias in aliases)}) AS content"

    def own_key_columns(self, alias: str, fingerprint: str) -> str:
        """`own_content`, and the ordinal among equals: the key of a kept row without insert id."""
        if not self._keeps_missing:
            return ""
        content = self._own_content(alias, fingerprint)
        return (
            f", {content} AS content, CASE WHEN {self.has_id(alias)} THEN 1"
            f" ELSE ROW_NUMBER() OVER (PARTITION BY {content} ORDER BY {content}) END AS ordinal"
        )

    def same_own_key(self, a: str, b: str) -> str:
        """`same_key`, and for rows without insert id the same content, arrival and ordinal."""
        if not self._keeps_missing:
            return self.same_key(a, b)
        key = self._same([(p.name, p.name, p.name != self._shape.time) for p in self._shape.key], a, b)
        return f"{key} AND {_same_content(a, b)} AND {a}.ordinal = {b}.ordinal"

    def _same(self, names: list[tuple[str, str, bool]], a: str, b: str) -> str:
        tests: list[str] = []
        for left_name, right_name, optional in names:
            left, right = f"{a}.{quote(left_name)}", f"{b}.{quote(right_name)}"
            if optional:
                # An equality of expressions on both sides can be hashed; IS NOT DISTINCT FROM cannot everywhere.
                empty = "TIMESTAMP '1970-01-01 00:00:00+00'" if left_name == self._shape.time else "''"
                tests += [
                    f"COALESCE({left}, {empty}) = COALESCE({right}, {empty})",
                    f"({left} IS NULL) = ({right} IS NULL)",
                ]
            else:
                tests.append(f"{left} = {right}")
        return " AND ".join(tests)

    def day_of(self, alias: str) -> str:
        """The day of a source row: its own column or, where the source lacks one, from the event time."""
        if self._shape.partition_date:
            return f"{alias}.{quote(self._shape.partition_date)}"
        return f"DATE({alias}.{quote(self._shape.time)}, '{self._time_zone}')"

    def last_landed(self, alias: str) -> str:
        """What moves when rows are added: the landing instant or, where the source has none, the arrival."""
        name = self._shape.loaded_at or self._shape.arrival
        return f"CAST(MAX({alias}.{quote(name)}) AS STRING)" if name else "CAST(NULL AS STRING)"

    def in_day(self, alias: str) -> str:
        """Whether a source row is of the day; constants against a bare column, so that partitions prune."""
        if self._shape.partition_date:
            return f"{alias}.{quote(self._shape.partition_date)} = @day"
        time = f"{alias}.{quote(self._shape.time)}"
        return f"({time} >= @day_start AND {time} < @day_end)"

    def any_day(self, alias: str) -> str:
        """True of every source row, in words that satisfy a table which refuses statements without a day."""
        if self._shape.partition_date:
            day = f"{alias}.{quote(self._shape.partition_date)}"
            return f"({day} >= DATE '0001-01-01' OR {day} IS NULL)"
        time = f"{alias}.{quote(self._shape.time)}"
        return f"({time} >= TIMESTAMP '0001-01-01 00:00:00+00' OR {time} IS NULL)"

    def in_bounds(self, alias: str) -> str:
        """Whether a row's event time lies within the day's UTC bounds."""
        time = f"{alias}.{quote(self._shape.time)}"
        return f"({time} >= @day_start AND {time} < @day_end)"

    def has_id(self, alias: str) -> str:
        """Whether a row has an insert id; an empty one identifies nothing."""
        return f"COALESCE({alias}.{quote(self._shape.insert_id)}, '') != ''"

    def has_time(self, alias: str) -> str:
        """Whether a row has an event time."""
        return f"{alias}.{quote(self._shape.time)} IS NOT NULL"

    def arrival(self, alias: str) -> str:
        """When a copy arrived, in the source's own type; NULL where unknown."""
        return f"{alias}.{quote(self._shape.arrival)}" if self._shape.arrival else "CAST(NULL AS INT64)"

    def source_file(self, alias: str) -> str:
        """The file that a copy was landed from; NULL where the source does not tell."""
        told = any((column.name, column.type) == (SOURCE_FILE, "STRING") for column in self._shape.columns)
        return f"{alias}.{quote(SOURCE_FILE)}" if told else "CAST(NULL AS STRING)"

    def arrival_ms(self, alias: str) -> str:
        """When a copy arrived, in milliseconds since 1970."""
        value = self.arrival(alias)
        return _milliseconds(value) if self._shape.arrival_type == "TIMESTAMP" else value

    def in_future(self, alias: str) -> str:
        """Whether a row's event time is later than its own arrival by more than the tolerance. Never the wall clock."""
        time = _milliseconds(f"{alias}.{quote(self._shape.time)}")
        return f"COALESCE({self.arrival_ms(alias)} < {time} - @tolerance_ms, FALSE)"

    def is_late(self, alias: str) -> str:
        """Whether a copy arrived more than `lookback_days` after the day."""
        return f"COALESCE({self.arrival_ms(alias)} >= @late_from_ms, FALSE)"

    def invalid_reason(self, alias: str) -> str:
        """Why a row cannot be an event by itself; NULL for a valid row."""
        missing_id = "" if self._keeps_missing else f"WHEN NOT ({self.has_id(alias)}) THEN 'Missing insert id' "
        return (
            f"CASE WHEN NOT ({self.has_time(alias)}) THEN 'Missing event time' {missing_id}"
            f"WHEN {self.in_future(alias)} THEN 'Event time in the future' END"
        )

    def is_valid(self, alias: str) -> str:
        """Whether a row has no `invalid_reason`."""
        tests = [self.has_time(alias), f"NOT {self.in_future(alias)}"]
        if not self._keeps_missing:
            tests.append(self.has_id(alias))
        return "(" + " AND ".join(tests) + ")"

    def time_ms(self, alias: str) -> str:
        """The event time in milliseconds since 1970."""
        return _milliseconds(f"{alias}.{quote(self._shape.time)}")

    def is_missing(self, alias: str, column: Column) -> str:
        """Whether a row has no value in a column; an empty text is none."""
        value = f"{alias}.{quote(column.name)}"
        return f"COALESCE({value}, '') = ''" if column.type == "STRING" else f"{value} IS NULL"

    def sized_rows(self, alias: str, column: Column) -> str:
        """The rows whose number in a column has a size."""
        return f"COALESCE(SUM(CASE WHEN {self._has_size(alias, column)} THEN 1 ELSE 0 END), 0)"

    def sum_of_sizes(self, alias: str, column: Column) -> str:
        """The sum of the decimal logarithms of a column's numbers, in thousandths; never a number itself."""
        number = f"CAST({alias}.{quote(column.name)} AS FLOAT64)" if column.type in NUMBERS else "1.0"
        sizes = f"CASE WHEN {self._has_size(alias, column)} THEN LN(ABS({number})) ELSE 0.0 END"
        return f"CAST(COALESCE(SUM({sizes}), 0.0) * 434.2944819 AS INT64)"

    def _has_size(self, alias: str, column: Column) -> str:
        if column.type not in NUMBERS:
            return "FALSE"
        number = f"CAST({alias}.{quote(column.name)} AS FLOAT64)"
        # Neither zero, nor infinite, nor no number at all.
        return f"COALESCE({number} != 0.0 AND ABS({number}) < 1e300, FALSE)"

    def origin(self, alias: str, name: str) -> str:
        """A property's value as text: from its column, else out of the source's JSON."""
        columns = {column.name: column for column in self._shape.columns}
        # The schematized pipeline names a property `$x` as `mp_x`.
        for column in (name, name.replace("$", "mp_")):
            if column in columns:
                return f"CAST({alias}.{quote(column)} AS STRING)"
        if (held := columns.get("properties")) is not None and held.type == "JSON":
            return f"JSON_VALUE({alias}.{quote(held.name)}, '$.\"{name}\"')"
        return "CAST(NULL AS STRING)"

    def fingerprint(self, alias: str) -> str:
        """MD5, in hex, of the content columns in name order as `name=length:text;`, NULL and absent alike."""
        parts = [self._content_part(alias, column) for column in self._shape.content]
        return f"TO_HEX(MD5(CONCAT({', '.join(parts)})))"

    def _content_part(self, alias: str, column: Column) -> str:
        text = self._text_rule(f"{alias}.{quote(column.name)}", column)
        return f"COALESCE(CONCAT('{column.name}=', CAST(CHAR_LENGTH({text}) AS STRING), ':', {text}, ';'), '')"


def _same_content(a: str, b: str) -> str:
    return f"COALESCE({a}.content, '') = COALESCE({b}.content, '')"


def _milliseconds(instant: str) -> str:
    # UNIX_MILLIS rounds down on BigQuery, and to the nearest on DuckDB.
    return f"DIV(UNIX_MICROS({instant}), 1000)"


class Statements:
    """All statements of `sql/` for one set of table names.

    Args:
        tables: Quoted names of the long-lived tables by role (`source`, `events`, …).
        settings: Rules of the pipeline.
        shape: The source's shape; statements that need it fail to render without.
        text_rule: The engine's way to write a value as text.
        stage_kind: TABLE, or VIEW where the engine can read the staged rows from the source.
        stage_options: What follows the name of a short-lived table, such as its expiration.
    """

    def __init__(
        self,
        tables: dict[str, str],
        settings: Settings,
        shape: SourceShape | None,
        text_rule: TextRule,
        stage_kind: Literal["TABLE", "VIEW"],
        stage_options: str = "",
    ) -> None:
        self._context: dict[str, object] = {**tables, **{name: quote(f"__{name}__") for name in DAY_TABLES}}
        self._context |= {"pipeline": settings.pipeline, "stage_kind": stage_kind, "stage_options": stage_options}
        if shape is not None:
            self._context |= {"shape": shape, "x": Expressions(shape, settings, text_rule), "quote": quote}
            self._context |= {"profiled": profiled_columns(shape, settings), "origins": settings.quality.origins}

    def render(self, name: str, flags: tuple[str, ...] = ()) -> str:
        """The statement in BigQuery's dialect, with `@parameters` and unbound short-lived tables.

        Raises:
            jinja2.TemplateNotFound: There is no such file.
        """
        return _environment().get_template(name).render(**self._context, flags=flags)
