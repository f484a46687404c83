"""Sources whose distinct id is a number, and whose arrival is a fraction or a text."""

import pytest

from tests.spec.engines import LANDED, Engine
from tests.spec.project import Project
from tests.spec.tables import instant, milliseconds

FIRST, SECOND, THIRD = (milliseconds(instant(at)) for at in ("10:01", "10:02", "10:30"))


@pytest.mark.parametrize(
    ("arrival_type", "as_delivered", "keep", "kept"),
    [("FLOAT64", float, "first", FIRST), ("STRING", str, "latest", SECOND)],
)
def test_whole_numbers_tell_who_and_other_numbers_when(
    engines: Engine, arrival_type: str, as_delivered: type, keep: str, kept: int
) -> None:
    project = Project(engines)
    project.set(pipeline={"key": "mixpanel", "keep": keep})
    project.create_source(LANDED | {"distinct_id": "INT64", "mp_processing_time_ms": arrival_type})

    def deliver(who: int, arrival: int) -> None:
        at = {"mp_insert_id": "a", "time": instant("10:00"), "distinct_id": who}
        project.add([at | {"mp_processing_time_ms": as_delivered(arrival)}])

    for who, arrival in ((7, SECOND), (7, FIRST), (8, THIRD)):
        deliver(who, arrival)
    project.run()

    def arrivals(rows: list[dict[str, object]]) -> list[tuple[object, int]]:
        return sorted((row["distinct_id"], round(float(str(row["mp_processing_time_ms"])))) for row in rows)

    assert arrivals(project.events()) == [(7, kept), (8, THIRD)]
    assert arrivals(project.rejected()) == [(7, FIRST + SECOND - kept)]

    deliver(9, THIRD)  # found by its key, and added to what is published
    assert project.run().exit_code == 0
    assert arrivals(project.events()) == [(7, kept), (8, THIRD), (9, THIRD)]
