"""No window of a batch or of whole days sorts wide columns: one worker gets all rows of a partition, and a key may have millions."""

from collections.abc import Iterator

from sqlglot import exp

from tests.conformance.cases import BATCH_STATEMENTS, REPLACEMENTS, cases, sent
from tests.conformance.whole_days import SLOT_STATEMENTS

WIDE = "properties"
LOOKED_AT = {*(name for name, _ in (*BATCH_STATEMENTS, *SLOT_STATEMENTS)), *REPLACEMENTS.values()}


def selects_with_windows(tree: exp.Expr) -> Iterator[exp.Select]:
    for window in tree.find_all(exp.Window):
        select = window.find_ancestor(exp.Select)
        assert select is not None
        yield select


def is_wide(select: exp.Select, tree: exp.Expr) -> bool:
    """Whether a SELECT gives a wide column on."""
    for one in select.expressions:
        column = one.unalias()
        if one.alias_or_name.lower() == WIDE:
            return True
        if isinstance(column, exp.AnyValue) and isinstance(column.this, exp.Column) and not column.this.table:
            return True  # of a whole row
        if isinstance(column, exp.Column) and column.is_star and star_is_wide(column.table, select, tree):
            return True
    return False


def star_is_wide(alias: str, select: exp.Select, tree: exp.Expr) -> bool:
    relations = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
    named = [relation for relation in relations if relation.alias_or_name == alias]
    if not named:
        return True  # the columns of a row
    (relation,) = named
    if isinstance(relation, exp.Subquery):
        return any(is_wide(inner, tree) for inner in relation.this.find_all(exp.Select))
    withs = [cte for cte in tree.find_all(exp.CTE) if cte.alias == relation.name]
    return not withs or any(is_wide(inner, tree) for cte in withs for inner in cte.this.find_all(exp.Select))


def test_no_window_sorts_wide_columns() -> None:
    sources = (sent(case) for case in cases() if WIDE in case.columns)
    of_whole_days = next(found for found in sources if any(statement.file == "slot_rows" for statement in found))
    statements = [statement for statement in of_whole_days if statement.file in LOOKED_AT]
    some = {"copies", "rejected_next", "retained", "samples", "profile", "slot_rows"}
    windows = [(s.file, s.tree, select) for s in statements for select in selects_with_windows(s.tree)]
    assert {file for file, _, _ in windows} >= some
    assert {file for file, tree, select in windows if is_wide(select, tree)} == set()
