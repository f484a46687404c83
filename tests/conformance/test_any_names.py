"""GoogleSQL reads every statement whatever the source calls its columns, as far as BigQuery allows the names."""

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from tests.conformance.cases import Case
from tests.conformance.test_analyzer import analyzed
from tests.support.column_names import NAMES, is_flexible
from tests.support.examples import examples

pytestmark = [pytest.mark.xdist_group("googlesql"), pytest.mark.timeout(600)]
ROLES = {
    "event_name": "STRING",
    "time": "TIMESTAMP",
    "distinct_id": "STRING",
    "insert_id": "STRING",
    "arrival": "INT64",
    "loaded_at": "TIMESTAMP",
    "day": "DATE",
    "customer_id": "STRING",
}
TYPES = ("STRING", "INT64", "FLOAT64", "BOOL", "DATE", "TIMESTAMP", "JSON", "NUMERIC", "BYTES", "ARRAY<STRING>")


@examples(1, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_accepts_every_statement(data: st.DataObject) -> None:
    flexible = st.sampled_from([*filter(is_flexible, NAMES)])
    kinds = [*ROLES.values(), *TYPES]
    names = data.draw(st.lists(flexible, min_size=len(kinds), max_size=len(kinds), unique_by=str.lower))
    key = data.draw(st.sampled_from(["insert_id_time", "mixpanel", "mixpanel_day"]))
    sections = {"columns": dict(zip(ROLES, names, strict=False)), "pipeline": {"key": key}}
    assert list(analyzed(Case(dict(zip(names, kinds, strict=True)), sections)))
