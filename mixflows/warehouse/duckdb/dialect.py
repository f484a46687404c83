"""What DuckDB words differently in the statements of `sql/`, and how a batch's days get into them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from mixflows.days import DAY_MICROS, DayRun, day_runs
from mixflows.warehouse.base import SHORT_LIVED, BatchDay, BatchTables
from mixflows.warehouse.dialect import PER_DAY, date_literal, day_case, day_list, day_rows, in_ranges
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.source import Column
from mixflows.warehouse.transpile import SHORT_LIVED_PREFIX, Expansion, literal, quoted

STAGING = "mixflows_staging"
"""The attached in-memory database of short-lived tables."""


class DuckDBDialect:
    """See `mixflows.warehouse.dialect.Dialect`. Calls of `MF_…` are expanded for each batch, by `Days`."""

    quote = staticmethod(quoted)
    literal = staticmethod(literal)

    def text(self, value: str, column: Column) -> str:
        """A value as text; see docs/decisions/fingerprint.md."""
        texts = {
            "STRING": value,
            "TIMESTAMP": f"CAST(UNIX_MICROS({value}) AS STRING)",
            "FLOAT64": f"printf('%.17g', {value})",
            "NUMERIC": f"printf('%.17g', CAST({value} AS FLOAT64))",
            "JSON": f"mixflows_json_text({value}, '')",
            "INT64": f"CAST({value} AS STRING)",
            "BOOL": f"CAST({value} AS STRING)",
            "DATE": f"CAST({value} AS STRING)",
            "BYTES": f"LOWER(TO_HEX({value}))",
        }
        return texts.get(column.type, f"mixflows_json_text(to_json({value}), '')")

    def json_text(self, value: str, without: str) -> str:
        """Canonical text of a JSON object without some members."""
        return f"mixflows_json_text({value}, {without})"

    def member(self, value: str, name: str) -> str:
        """A member of a JSON object as text."""
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        return f"json_extract_string({value}, {literal(pointer)})"

    def typed(self, text: str, column: Column) -> str:
        """A text as a value of a column's type; what is no value of it is NULL."""
        match column.type:
            case "STRING":
                return text
            case "INT64":  # a cast alone would round 12.7 to 13
                integer = f"SAFE_CAST({text} AS INT64)"
                return f"CASE WHEN {integer} = SAFE_CAST({text} AS FLOAT64) THEN {integer} END"
            case "TIMESTAMP":  # without an offset it is UTC, whatever the session's time zone
                readings = (f"CONCAT({text}, 'Z')", f"CONCAT({text}, ' 00:00:00Z')", text)
                return f"COALESCE({', '.join(f'SAFE_CAST({reading} AS TIMESTAMP)' for reading in readings)})"
            case _:
                return f"SAFE_CAST({text} AS {column.type})"

    def row_hash(self, values: Sequence[str]) -> str:
        """DuckDB's own hash; it may change with DuckDB's version, so that it is never stored."""
        return f"HASH({', '.join(values)})"

    def in_days(self, day: str) -> str:
        """See `Days`."""
        return f"MF_IN_DAYS({day})"

    def in_instants(self, day: str) -> str:
        """See `Days`."""
        return f"MF_IN_INSTANTS({day})"

    def in_bounds(self, time: str) -> str:
        """See `Days`."""
        return f"MF_IN_BOUNDS({time})"

    def day_of(self, time_us: str) -> str:
        """See `Days`."""
        return f"MF_DAY_OF({time_us})"


class Days:
    """A statement's days as constants of its text.

    Args:
        days: Each once.
        zone: Of the project.
        tables: The batch's short-lived tables; None for a statement that names none.
    """

    def __init__(self, days: Sequence[BatchDay], zone: ZoneInfo, tables: BatchTables | None = None) -> None:
        self._days, self._zone, self._tables = days, zone, tables

    @cached_property
    def _runs(self) -> tuple[DayRun, ...]:
        return day_runs((day.day for day in self._days), self._zone)

    def functions(self) -> Mapping[str, Expansion]:
        """What the calls of a statement become."""
        return {
            "MF_IN_DAYS": lambda day: f"{day} IN ({day_list(self._days)})",
            "MF_IN_INSTANTS": lambda day: f"{day} IN ({', '.join(_midnight(known.day) for known in self._days)})",
            "MF_IN_BOUNDS": lambda time: in_ranges(time, self._runs, _instant),
            "MF_DAY_OF": lambda time_us: day_of(time_us, self._runs),
        }

    def tables(self) -> Mapping[str, Expansion]:
        """What the short-lived tables of a statement become."""
        found: dict[str, Expansion] = {
            f"{SHORT_LIVED_PREFIX}days": lambda alias: (
                f"(VALUES {day_rows(self._days)}) AS {alias}({', '.join(PER_DAY)})"
            )
        }
        if self._tables is not None:
            for role in SHORT_LIVED:
                found[f"{SHORT_LIVED_PREFIX}{role}"] = _named(
                    f"{STAGING}.main.{identifier(getattr(self._tables, role))}"
                )
        return found


def day_of(time_us: str, runs: Sequence[DayRun]) -> str:
    """The day that an instant, in microseconds since 1970, lies in; NULL where it is in none of the runs."""

    def nth_day(run: DayRun) -> str:
        # The last day of a run may be longer than the others.
        nth = f"LEAST(({time_us} - {run.start_us}) // {DAY_MICROS}, {run.days - 1})"
        return f"{date_literal(run.first_day)} + CAST({nth} AS INTEGER)"

    return day_case(time_us, runs, nth_day)


def _named(table: str) -> Expansion:
    return lambda alias: f"{table} AS {alias}" if alias else table


def _midnight(day: date) -> str:
    return f"TIMESTAMPTZ '{day.isoformat()} 00:00:00+00'"


def _instant(at_us: int) -> str:
    return f"make_timestamptz({at_us})"
