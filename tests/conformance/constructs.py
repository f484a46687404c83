"""The conformance table: every construct of SQL that the statements use, each with an example and what must come of it.

A statement may use no other construct (see test_statements.py). An example that holds on GoogleSQL's reference engine,
on a BigQuery API server and, rendered, on DuckDB is the proof that a construct means the same on both engines.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from mixflows.warehouse.bigquery.dataset import JSON_TEXT

WORDS = (
    exp.Alias,
    exp.Boolean,
    exp.Column,
    exp.ColumnDef,
    exp.DataType,
    exp.From,
    exp.Identifier,
    exp.Literal,
    exp.Null,
    exp.Ordered,
    exp.Parameter,
    exp.Paren,
    exp.Property,
    exp.Schema,
    exp.Select,
    exp.Table,
    exp.TableAlias,
    exp.Tuple,
    exp.Var,
    exp.Where,
    exp.Whens,
    exp.With,
)
"""What every statement is made of, and no construct of its own."""

CLAUSES = (exp.Group, exp.Having, exp.Limit, exp.Qualify, exp.Subquery, exp.Unnest, exp.Values)

NAMES: dict[type[exp.Expr], Callable[[Any], str | None]] = {
    exp.Anonymous: lambda call: call.name.rpartition(".")[2],
    exp.Cast: lambda cast: f"CAST AS {cast.to.sql('bigquery').partition('<')[0]}",
    exp.Count: lambda count: "COUNT DISTINCT" if isinstance(count.this, exp.Distinct) else "COUNT",
    exp.Create: lambda create: f"CREATE {create.kind}",
    exp.Distinct: lambda distinct: None if isinstance(distinct.parent, exp.Count) else "SELECT DISTINCT",
    exp.If: lambda branch: None if isinstance(branch.parent, exp.Case) else "IF",
    exp.Join: lambda join: " ".join(filter(None, [join.side, join.kind, "JOIN"])),
    exp.Order: lambda order: "ORDER BY in a window" if isinstance(order.parent, exp.Window) else "ORDER BY",
    exp.Star: lambda star: "* EXCEPT" if star.args.get("except_") else "*",
    exp.Union: lambda union: "UNION DISTINCT" if union.args.get("distinct") else "UNION ALL",
    exp.When: lambda when: " ".join(
        ["WHEN", *([] if when.args["matched"] else ["NOT"]), "MATCHED", *(["BY SOURCE"] if when.args["source"] else [])]
    ),
}
"""Constructs whose name is not their class's."""


def construct_of(node: exp.Expr) -> str | None:
    """The construct that a node of a parsed statement is, in BigQuery's words; None for mere words."""
    if type(node) in WORDS:
        return None
    if type(node) in NAMES:
        return NAMES[type(node)](node)
    name = type(node).__name__
    return name.upper() if isinstance(node, CLAUSES) else name


def constructs(tree: exp.Expr) -> Iterator[str]:
    """The constructs of a parsed statement."""
    for node in tree.walk():
        if (found := construct_of(node)) is not None:
            yield found


@dataclass(frozen=True)
class Example:
    """A query and its rows, and the statements before it. `{t}` and `{u}` are tables of the example's own.

    Attributes:
        proves: The constructs that it is an example of.
        query: One SELECT in BigQuery's dialect.
        rows: What it must return, in this order.
        before: Statements that make the tables it reads.
        on_duckdb: False for what only BigQuery's text rules and tables use.
    """

    proves: tuple[str, ...]
    query: str
    rows: tuple[tuple[object, ...], ...]
    before: tuple[str, ...] = ()
    on_duckdb: bool = True

    def __str__(self) -> str:
        return self.proves[0]


def _one(proves: str, expressions: str, *values: object, on_duckdb: bool = True) -> Example:
    return Example(tuple(proves.split(", ")), f"SELECT {expressions}", (values,), on_duckdb=on_duckdb)


def _rows(proves: str, query: str, *rows: tuple[object, ...]) -> Example:
    return Example(tuple(proves.split(", ")), query, rows)


THREE = "(SELECT 1 AS n, 'a' AS w UNION ALL SELECT 2, 'b' UNION ALL SELECT NULL, 'b')"
ONE_TWO = "(SELECT 1 AS n UNION ALL SELECT 2)"
T, U = "CREATE TABLE {t} (k INT64, v STRING)", "CREATE TABLE {u} (k INT64, v STRING)"
FILLED = (T, U, "INSERT INTO {t} (k, v) VALUES (1, 'a'), (2, 'b')", "INSERT INTO {u} (k, v) VALUES (2, 'c'), (3, 'd')")
PARTITIONED = """
    CREATE TABLE IF NOT EXISTS {t} PARTITION BY d CLUSTER BY a, b AS
    SELECT CAST(NULL AS DATE) AS d, 'x' AS a, 'y' AS b FROM UNNEST([1]) AS n WHERE FALSE
"""
EXPIRING = """
    CREATE OR REPLACE TABLE {t}
    OPTIONS (
      expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR), labels = [('app', 'mixflows')]
    )
    AS SELECT 1 AS n
"""
MERGED = """
    MERGE INTO {t} AS t USING (SELECT k, v FROM {u}) AS s ON t.k = s.k
    WHEN MATCHED AND (t.v IS DISTINCT FROM s.v) THEN UPDATE SET v = s.v
    WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)
"""
REPLACED = """
    MERGE INTO {t} AS t USING (SELECT k, v FROM {u}) AS s ON FALSE
    WHEN NOT MATCHED BY SOURCE AND t.k = 2 THEN DELETE
    WHEN NOT MATCHED BY TARGET THEN INSERT (k, v) VALUES (s.k, s.v)
"""
HELD = "SELECT k, v FROM {t} ORDER BY k"

TABLE: tuple[Example, ...] = (
    # Values
    _one("Add, Sub, Neg", "1 + 2, 1 - 2, -(3)", 3, -1, -3),
    _one(
        "IntDiv",
        "DIV(UNIX_MICROS(TIMESTAMP '2026-03-29 01:02:03.999999+00'), 1000), DIV(7, 2), DIV(-7, 2),"
        " DIV(CAST(NULL AS INT64), 2)",
        1774746123999,
        3,
        -3,
        None,
    ),
    _one("IntDiv", "DIV(7 - 2, 2), DIV(86400000 - 1, 86400000)", 2, 0),
    _one("Mod", "MOD(7, 3), MOD(64, 64)", 1, 0),
    _one("Between", "2 BETWEEN -3 AND 2, 3 BETWEEN -3 AND 2, CAST(NULL AS INT64) BETWEEN 1 AND 2", True, False, None),
    _one("Substring", "SUBSTR('0aff', 1, 2)", "0a"),
    _one("BitwiseAnd", "262145 & 262143, -1 & 262143, 0 & 1", 1, 262143, 0),
    # Of hashes, which are never negative in DuckDB; it would keep the sign.
    _one("BitwiseRightShift", "4294967296 >> 32, 4294967295 >> 32", 1, 0),
    _one("Ln, Abs, Mul", "LN(1.0), ABS(-2.5), CAST(LN(ABS(-100.0)) * 434.2944819 AS INT64)", 0.0, 2.5, 2000),
    _one(
        "And, Or, Not",
        "CAST(NULL AS BOOL) AND FALSE, CAST(NULL AS BOOL) OR TRUE, NOT FALSE, NOT CAST(NULL AS BOOL)",
        False,
        True,
        True,
        None,
    ),
    _one("EQ, NEQ", "1 = 1, 'a' != 'a ', CAST(NULL AS INT64) = CAST(NULL AS INT64)", True, True, None),
    _one("LT, GT, GTE, LTE", "1 < 2, 2 > 2, 2 >= 2, 2 <= 1, CAST(NULL AS INT64) < 2", True, False, True, False, None),
    _one("Is", "NULL IS NULL, 1 IS NULL, (1 IS NULL) = (2 IS NULL)", True, False, True),
    _one("NullSafeEQ", "NULL IS NOT DISTINCT FROM NULL, 1 IS NOT DISTINCT FROM NULL", True, False),
    _one(
        "NullSafeNEQ", "NULL IS DISTINCT FROM NULL, 1 IS DISTINCT FROM NULL, 1 IS DISTINCT FROM 1", False, True, False
    ),
    _one("In", "'a' IN ('a', 'b'), 'c' IN ('a', 'b'), NULL IN ('a')", True, False, None),
    _one("Case", "CASE WHEN NULL THEN 1 WHEN TRUE THEN 2 ELSE 3 END, CASE WHEN FALSE THEN 1 END", 2, None),
    _one("Coalesce", "COALESCE(NULL, 2, 3), COALESCE(NULL, 'x')", 2, "x"),
    _one("Array, UNNEST, *", "COUNT(*) FROM UNNEST([1, 2]) AS x", 2),
    # Text
    _one("Concat", "CONCAT('a', 'b', 'c'), CONCAT('a', NULL)", "abc", None),
    _one("Length", "CHAR_LENGTH('Søk€'), CHAR_LENGTH('')", 4, 0),
    _one(
        "MD5",
        "TO_HEX(MD5('Søk')), TO_HEX(MD5(''))",
        "3de0c3beb29308a129424b6c53b8aeea",
        "d41d8cd98f00b204e9800998ecf8427e",
    ),
    _one("LowerHex", "TO_HEX(b'\\x00\\xff')", "00ff", on_duckdb=False),
    _one("CAST AS STRING", "CAST(12 AS STRING), CAST(-7 AS STRING), CAST(TRUE AS STRING)", "12", "-7", "true"),
    _one("CAST AS DATE", "CAST(CAST('2026-03-29' AS DATE) AS STRING), CAST(NULL AS DATE)", "2026-03-29", None),
    _one("CAST AS INT64, CAST AS BOOL", "CAST('12' AS INT64), CAST(NULL AS BOOL)", 12, None),
    _one(
        "CAST AS JSON, CAST AS NUMERIC, CAST AS BYTES, CAST AS DATETIME, CAST AS ARRAY, CAST AS STRUCT",
        "CAST(NULL AS JSON) IS NULL, CAST(CAST('12.5' AS NUMERIC) AS FLOAT64), CAST(NULL AS BYTES) IS NULL,"
        " CAST(NULL AS DATETIME) IS NULL, CAST(NULL AS ARRAY<STRING>) IS NULL, CAST(NULL AS STRUCT<a STRING>) IS NULL",
        True,
        12.5,
        True,
        True,
        True,
        True,
        on_duckdb=False,
    ),
    _one(
        "JSONExtractScalar, JSONPath, JSONPathKey, JSONPathRoot, ParseJSON",
        """JSON_VALUE(JSON '{{"$os": "iOS", "n": 7}}', '$."$os"'), JSON_VALUE(JSON '{{"n": 7}}', '$."n"'),"""
        """ JSON_VALUE(JSON '{{"n": null}}', '$."n"'), JSON_VALUE(JSON '{{}}', '$."a.b"')""",
        "iOS",
        "7",
        None,
        None,
    ),
    _one("CAST AS FLOAT64", "CAST('0.25' AS FLOAT64), CAST('1e-7' AS FLOAT64)", 0.25, 1e-07),
    _one("Format", "FORMAT('%.17g', 0.1), FORMAT('%.17g', 1.0)", "0.10000000000000001", "1", on_duckdb=False),
    _one(
        "JSONFormat",
        "TO_JSON_STRING(['b', 'a']), TO_JSON_STRING(CAST(NULL AS JSON))",
        '["b","a"]',
        "null",
        on_duckdb=False,
    ),
    _one(
        "FarmFingerprint, Struct, PropertyEQ",
        "FARM_FINGERPRINT(TO_JSON_STRING(STRUCT('a' AS v0, 1 AS v1))) ="
        " FARM_FINGERPRINT(TO_JSON_STRING(STRUCT('a' AS v0, 1 AS v1))),"
        " FARM_FINGERPRINT(TO_JSON_STRING(STRUCT(CAST(NULL AS STRING) AS v0))) ="
        " FARM_FINGERPRINT(TO_JSON_STRING(STRUCT('' AS v0)))",
        True,
        False,
        on_duckdb=False,
    ),
    _one("Floor", "FLOOR(2.7), FLOOR(-2.5)", 2.0, -3.0),
    _one("TryCast", "SAFE_CAST('x' AS INT64), SAFE_CAST('0.5' AS FLOAT64)", None, 0.5),
    # Instants and days
    _one(
        "UnixToTime",
        "UNIX_MICROS(TIMESTAMP_MICROS(1774746123000004)), TIMESTAMP_MICROS(NULL) IS NULL",
        1774746123000004,
        True,
    ),
    _one(
        "CAST AS TIMESTAMP, UnixMicros",
        "UNIX_MICROS(TIMESTAMP '2026-03-29 01:02:03.000004+00'), UNIX_MICROS(TIMESTAMP '1969-12-31 23:59:59.5+00'),"
        " UNIX_MICROS(CAST(NULL AS TIMESTAMP))",
        1774746123000004,
        -500000,
        None,
    ),
    _one(
        "CAST AS STRING",
        "CAST(TIMESTAMP '2026-03-30 00:00:00+00' AS STRING), CAST(TIMESTAMP '2026-03-30 01:02:03.000004+00' AS STRING)",
        "2026-03-30 00:00:00+00",
        "2026-03-30 01:02:03.000004+00",
    ),
    _one(
        "Date",
        "CAST(DATE(TIMESTAMP '2026-03-28 23:30:00+00', 'Europe/Berlin') AS STRING),"
        " CAST(DATE(TIMESTAMP '2026-03-29 22:00:00+00', 'Europe/Berlin') AS STRING)",
        "2026-03-29",
        "2026-03-30",
    ),
    _one(
        "TimestampAdd, CurrentTimestamp",
        "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR) > CURRENT_TIMESTAMP()",
        True,
    ),
    # Aggregates: over no rows and over NULL
    _one("COUNT, COUNT DISTINCT", f"COUNT(*), COUNT(n), COUNT(DISTINCT w) FROM {THREE} AS x", 3, 2, 2),
    _one("LogicalOr", f"LOGICAL_OR(n > 1), LOGICAL_OR(n > 5) FROM {THREE} AS x", True, False),
    _one("StrPosition", "STRPOS('2026-03-29,', '03-'), STRPOS('a', 'b'), STRPOS(NULL, 'b')", 6, 0, None),
    _one("ERROR", "CASE WHEN 1 > 0 THEN 1 ELSE ERROR('no') END", 1),
    _one("Least", "LEAST(3, 2)", 2),
    _one("ArrayAgg", "ARRAY_LENGTH(ARRAY_AGG(x ORDER BY x)) FROM UNNEST([3, 3]) AS x", 2),
    _one("AnyValue", "ANY_VALUE(x) FROM UNNEST([3, 3]) AS x", 3),
    _rows(
        "AnyValue, *",  # of a row, and its columns again
        "SELECT r.*, n FROM (SELECT ANY_VALUE(a) AS r, COUNT(*) AS n FROM"
        " (SELECT 1 AS x, 'b' AS y UNION ALL SELECT 1, 'b') AS a GROUP BY a.x) AS k",
        (1, "b", 2),
    ),
    _rows(
        "GenerateSeries, UNNEST",
        f"SELECT a.n, nth FROM {ONE_TWO} AS a CROSS JOIN UNNEST(GENERATE_ARRAY(1, a.n)) AS nth ORDER BY a.n, nth",
        *((1, 1), (2, 1), (2, 2)),
    ),
    _one("Greatest", "GREATEST(1, 0)", 1),
    _one("Sum", f"SUM(n), COALESCE(SUM(CASE WHEN n > 5 THEN n END), 0) FROM {THREE} AS x WHERE w != 'c'", 3, 0),
    _one("Min, Max", f"MIN(n), MAX(n), MAX(CASE WHEN n > 5 THEN n END) FROM {THREE} AS x", 1, 2, None),
    _one("COUNT", f"COUNT(*), SUM(n) FROM {THREE} AS x WHERE FALSE", 0, None),
    _rows("GROUP, ORDER BY", f"SELECT n, COUNT(*) FROM {THREE} AS x GROUP BY n ORDER BY n", (None, 1), (1, 1), (2, 1)),
    _rows("GROUP", f"SELECT w IN ('b') AS b, COUNT(*) FROM {THREE} AS x GROUP BY b ORDER BY b", (False, 1), (True, 2)),
    _rows("HAVING", f"SELECT w FROM {THREE} AS x GROUP BY w HAVING COUNT(*) > 1", ("b",)),
    _rows("ORDER BY, LIMIT", f"SELECT n FROM {THREE} AS x ORDER BY n DESC LIMIT 2", (2,), (1,)),
    _rows("SELECT DISTINCT", f"SELECT DISTINCT w FROM {THREE} AS x ORDER BY w", ("a",), ("b",)),
    # Windows: the order is total, and an unknown comes last whichever way the known go
    _rows(
        "RowNumber, Window, ORDER BY in a window",
        f"SELECT n, ROW_NUMBER() OVER (ORDER BY n IS NULL, n DESC) AS r FROM {THREE} AS x ORDER BY r",
        (2, 1),
        (1, 2),
        (None, 3),
    ),
    _rows(
        "WindowSpec",  # a frame
        f"SELECT SUM(n) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {ONE_TWO} AS x",
        (3,),
        (3,),
    ),
    _rows(
        "Lag",
        f"SELECT n, LAG(n) OVER (PARTITION BY w ORDER BY n IS NULL, n) AS f FROM {THREE} AS x ORDER BY n IS NULL, n",
        (1, None),
        (2, None),
        (None, 2),
    ),
    _rows(
        "FirstValue",
        f"SELECT w, n, FIRST_VALUE(w) OVER (PARTITION BY w ORDER BY n IS NULL, n) AS f FROM {THREE} AS x"
        " ORDER BY w, n IS NULL",
        ("a", 1, "a"),
        ("b", 2, "b"),
        ("b", None, "b"),
    ),
    _rows(
        "QUALIFY",
        f"SELECT w, n FROM {THREE} AS x WHERE TRUE"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY w ORDER BY n IS NULL, n) = 1 ORDER BY w",
        ("a", 1),
        ("b", 2),
    ),
    # Sets
    _rows("UNION ALL, SUBQUERY", "SELECT y.n FROM (SELECT 1 AS n UNION ALL SELECT 1) AS y", (1,), (1,)),
    _rows("UNION DISTINCT", "SELECT y.n FROM (SELECT 1 AS n UNION DISTINCT SELECT 1) AS y", (1,)),
    _rows("CTE", "WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT b.n FROM b", (2,)),
    _rows("* EXCEPT", "SELECT x.* EXCEPT (n) FROM (SELECT 1 AS n, 2 AS m) AS x", (2,)),
    _rows("JOIN", f"SELECT a.n FROM {THREE} AS a JOIN {THREE} AS b ON a.n = b.n ORDER BY a.n", (1,), (2,)),
    _rows("INNER JOIN", f"SELECT a.n FROM {THREE} AS a INNER JOIN {THREE} AS b ON a.n = b.n + 1", (2,)),
    _rows(
        "LEFT JOIN",
        f"SELECT a.n, b.n FROM {THREE} AS a LEFT JOIN {THREE} AS b ON a.n = b.n AND b.w = 'a' ORDER BY a.n",
        (None, None),
        (1, 1),
        (2, None),
    ),
    _rows(
        "FULL OUTER JOIN",
        f"SELECT a.n, b.n FROM {ONE_TWO} AS a FULL OUTER JOIN (SELECT 2 AS n UNION ALL SELECT 3) AS b"
        " ON a.n = b.n ORDER BY COALESCE(a.n, b.n)",
        (1, None),
        (2, 2),
        (None, 3),
    ),
    _rows(
        "CROSS JOIN",
        f"SELECT a.n, x FROM {ONE_TWO} AS a CROSS JOIN UNNEST([3, 4]) AS x WHERE a.n = 2 ORDER BY x",
        (2, 3),
        (2, 4),
    ),
    _rows(
        "Exists",
        f"SELECT a.n FROM {THREE} AS a WHERE NOT EXISTS (SELECT 1 FROM {THREE} AS b WHERE b.n > a.n) ORDER BY a.n",
        (None,),
        (2,),
    ),
    # Only BigQuery sets rows aside under days of the past; DuckDB would answer with instants.
    Example(
        ("DateAdd", "DateSub"),
        "SELECT DATE_SUB(DATE '2000-02-29', INTERVAL 365243 DAY) = DATE '1000-02-28',"
        " DATE_ADD(DATE '1000-02-28', INTERVAL 365243 DAY) = DATE '2000-02-29'",
        ((True, True),),
        on_duckdb=False,
    ),
    # Tables
    Example(
        ("Version",),
        "SELECT k FROM {t} FOR SYSTEM_TIME AS OF TIMESTAMP '2999-01-01 00:00:00+00:00'",
        ((2,),),
        ("CREATE TABLE {t} AS SELECT 2 AS k",),
        on_duckdb=False,
    ),
    Example(
        ("CREATE VIEW",),
        "SELECT k FROM {u} ORDER BY k",
        ((2,),),
        ("CREATE TABLE {t} AS SELECT 2 AS k, 'a' AS v", "CREATE VIEW IF NOT EXISTS {u} AS SELECT t.k FROM {t} AS t"),
    ),
    Example(("CREATE TABLE", "Insert", "VALUES"), HELD, ((1, "a"), (2, "b")), FILLED),
    Example(
        ("CREATE TABLE", "PartitionedByProperty", "ClusterProperty"),
        "SELECT COUNT(*) FROM {t}",
        ((0,),),
        (PARTITIONED,),
    ),
    Example(("Properties",), "SELECT n FROM {t}", ((1,),), (EXPIRING,), on_duckdb=False),
    Example(("Update",), HELD, ((1, "a"), (2, "z")), (*FILLED, "UPDATE {t} AS t SET v = 'z' WHERE t.k = 2")),
    Example(("Merge", "WHEN MATCHED", "WHEN NOT MATCHED"), HELD, ((1, "a"), (2, "c"), (3, "d")), (*FILLED, MERGED)),
    Example(("Merge", "WHEN NOT MATCHED BY SOURCE"), HELD, ((1, "a"), (2, "c"), (3, "d")), (*FILLED, REPLACED)),
)

OWN_FUNCTIONS = {JSON_TEXT}
"""Made by a statement of ours; proven in tests/bigquery/test_fingerprint.py."""
