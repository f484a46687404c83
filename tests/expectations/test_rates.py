from dataclasses import replace

import pytest

from mixflows.rates import Rates
from tests.expectations.staging import FINE


def test_rates_are_shares_of_the_source_rows() -> None:
    figures = replace(
        FINE,
        source_rows=2_000,
        duplicate_rows=2,
        conflicting_duplicate_rows=1,
        missing_insert_id_rows=4,
        future_rows=20,
        late_rows=500,
    )
    assert Rates.of(figures, 499.5) == Rates(0.001, 0.0005, 0.002, 0.01, 0.25, 4.0)


def test_nothing_divided_by_nothing_is_unknown() -> None:
    assert Rates.of(replace(FINE, source_rows=0)) == Rates(None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("rows", "usual", "factor"), [(0, 300.0, 300.0), (300, 0.0, 300.0), (0, 0.0, 1.0), (7, 7.0, 1.0)]
)
def test_the_volume_changes_by_a_factor_either_way_and_no_row_counts_as_one(
    rows: int, usual: float, factor: float
) -> None:
    assert Rates.of(replace(FINE, source_rows=rows, duplicate_rows=0), usual).volume_change == factor
