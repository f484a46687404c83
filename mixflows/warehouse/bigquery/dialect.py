"""What BigQuery words differently in the statements of `sql/`; a statement's days are constants of its text."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from mixflows.days import DAY_MICROS, EPOCH, DayRun, day_runs
from mixflows.warehouse.base import BatchDay
from mixflows.warehouse.dialect import PER_DAY, date_literal, day_case, day_list, day_rows, in_ranges
from mixflows.warehouse.source import Column
from mixflows.warehouse.transpile import literal


def quote(name: str) -> str:
    """An identifier; a table's whole name, dots included, is one."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def partitions_view(dataset: str) -> str:
    """The view of a dataset's partitions, quoted."""
    return f"{quote(dataset)}.INFORMATION_SCHEMA.PARTITIONS"


def replacement(target: str, names: Sequence[str], select: str, replaced: str) -> str:
    """One MERGE that deletes the rows of a table `t` for which a test holds, and inserts those of a SELECT."""
    columns = ", ".join(map(quote, names))
    values = ", ".join(f"s.{quote(name)}" for name in names)
    return (
        f"MERGE INTO {quote(target)} AS t\nUSING (\n{select}\n) AS s\nON FALSE\n"
        f"WHEN NOT MATCHED BY SOURCE AND {replaced} THEN DELETE\n"
        f"WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({values})"
    )


def as_of(instant: datetime | None) -> str:
    """Reads a table, after its alias, as it was at an instant; now where None."""
    return f" FOR SYSTEM_TIME AS OF TIMESTAMP '{instant.isoformat(sep=' ')}'" if instant else ""


def _instant(at_us: int) -> str:
    return f"TIMESTAMP '{(EPOCH + timedelta(microseconds=at_us)).isoformat(sep=' ')}'"


class BigQueryDialect:
    """See `mixflows.warehouse.dialect.Dialect`.

    Args:
        json_text: The quoted name of the function that writes JSON as text for the fingerprint.
        days: Of the statement, each once.
        zone: Of the project.
    """

    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def __init__(self, json_text: str, days: Sequence[BatchDay], zone: ZoneInfo) -> None:
        self._json_text, self._days, self._zone = json_text, days, zone

    def text(self, value: str, column: Column) -> str:
        """A value as text; see docs/decisions/fingerprint.md."""
        texts = {
            "STRING": value,
            "TIMESTAMP": f"CAST(UNIX_MICROS({value}) AS STRING)",
            "FLOAT64": f"FORMAT('%.17g', {value})",
            "NUMERIC": f"FORMAT('%.17g', CAST({value} AS FLOAT64))",
            "BIGNUMERIC": f"FORMAT('%.17g', CAST({value} AS FLOAT64))",
            "INT64": f"CAST({value} AS STRING)",
            "BOOL": f"CAST({value} AS STRING)",
            "DATE": f"CAST({value} AS STRING)",
            "BYTES": f"TO_HEX({value})",
        }
        return texts.get(column.type) or self.json_text(value, "''")

    def json_text(self, value: str, without: str) -> str:
        """Canonical text of a JSON object without some members."""
        # TO_JSON_STRING writes an absent value as the text null.
        return f"CASE WHEN {value} IS NOT NULL THEN {self._json_text}(TO_JSON_STRING({value}), {without}) END"

    def member(self, value: str, name: str) -> str:
        """A member of a JSON object as text."""
        if '"' in name or "\\" in name:  # BigQuery's paths have no words for such a name
            return "CAST(NULL AS STRING)"
        path = self.literal(f'$."{name}"')
        return f"JSON_VALUE({value}, {path})"

    def typed(self, text: str, column: Column) -> str:
        """A text as a value of a column's type; what is no value of it is NULL."""
        match column.type:
            case "STRING":
                return text
            case "INT64":  # 12.0 is a whole number as JSON writes it, and no text of an INT64
                integer, number = f"SAFE_CAST({text} AS INT64)", f"SAFE_CAST({text} AS FLOAT64)"
                return (
                    f"CASE WHEN {integer} = {number} THEN {integer}"
                    f" WHEN {number} = FLOOR({number}) AND ABS({number}) < 9e15 THEN CAST({number} AS INT64) END"
                )
            case _:
                return f"SAFE_CAST({text} AS {column.type})"

    def row_hash(self, values: Sequence[str]) -> str:
        """A fingerprint of the values' JSON, which tells NULL from every value."""
        fields = ", ".join(f"{value} AS v{n}" for n, value in enumerate(values))
        return f"FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({fields})))"

    def in_days(self, day: str) -> str:
        """Whether a bare DATE column is one of the days: literals, so that partitions prune."""
        return f"{day} IN ({day_list(self._days)})"

    def in_instants(self, day: str) -> str:
        """The same of a TIMESTAMP column that holds midnights in UTC."""
        midnights = (f"TIMESTAMP '{known.day.isoformat()} 00:00:00+00:00'" for known in self._days)
        return f"{day} IN ({', '.join(midnights)})"

    def in_bounds(self, time: str) -> str:
        """Whether a bare TIMESTAMP column lies in one of the days."""
        return in_ranges(time, self._runs, _instant)

    def day_of(self, time_us: str) -> str:
        """The one of the days that an instant lies in; else NULL."""

        def nth_day(run: DayRun) -> str:
            # The last day of a run may be longer than the others.
            nth = f"LEAST(DIV({time_us} - {run.start_us}, {DAY_MICROS}), {run.days - 1})"
            return f"DATE_ADD({date_literal(run.first_day)}, INTERVAL {nth} DAY)"

        return day_case(time_us, self._runs, nth_day)

    def days(self) -> str:
        """The days as a relation, with the constants of each."""
        fields = ", ".join(f"{name} {kind}" for name, kind in PER_DAY.items())
        return f"UNNEST(ARRAY<STRUCT<{fields}>>[{day_rows(self._days)}])"

    @cached_property
    def _runs(self) -> tuple[DayRun, ...]:
        return day_runs((day.day for day in self._days), self._zone)
