"""Tables that an earlier version made lack columns: reading commands name them, and `init` or a run adds them."""

import pytest

from tests.support.command_line import Installation

LACKING = {"mp_partition_runs": ("acknowledged", "retained_rows"), "mp_landings": ("joined_rows", "rows_per_day")}


@pytest.fixture
def earlier(backfilled: Installation) -> Installation:
    backfilled.change(
        *(f"ALTER TABLE {table} DROP COLUMN {name}" for table, names in LACKING.items() for name in names)
    )
    return backfilled


@pytest.mark.parametrize("command", ["status", "status --json", "plan", "report --format json --out -"])
def test_a_reading_command_names_what_the_tables_lack(command: str, earlier: Installation) -> None:
    ended = earlier.run(*command.split(), code=1)
    sentence, hint = ended.err.splitlines()
    assert "mp_partition_runs lacks retained_rows, acknowledged; mp_landings lacks " in sentence
    assert "mixflows init" in hint
    assert ended.out == ""


@pytest.mark.parametrize(("command", "code"), [("init", 0), ("run --no-prefect", 3)])
def test_what_writes_adds_it(command: str, code: int, earlier: Installation) -> None:
    earlier.run(*command.split(), code=code)
    assert len(earlier.run("status", "--json").json["days"]) == 5
    for table, names in LACKING.items():
        assert earlier.rows(f"SELECT DISTINCT {', '.join(names)} FROM {table}")
