"""Through real files: however an export is split and ordered, the tables are the same; also if a file lands again."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixflows.pipeline.land import land_one
from tests.oracle.oracle import Copy, deduplicate
from tests.property.streams import Row, clear, copies, deliveries, published, run
from tests.property.test_oracle_agrees import OnEngine
from tests.support.examples import examples

with_time = st.lists(copies().filter(lambda row: row["time"] is not None), min_size=1, max_size=20)


def line(row: Row) -> str:
    """A copy as Mixpanel exports it; what is unknown is absent."""
    properties = json.loads(row["properties"]) | {
        "time": int(row["time"].timestamp()),
        "distinct_id": row["distinct_id"],
        "$insert_id": row["mp_insert_id"],
        "mp_processing_time_ms": row["mp_processing_time_ms"],
    }
    known = {name: value for name, value in properties.items() if value is not None}
    return json.dumps({"event": row["mp_event_name"] or "Other", "properties": known}) + "\n"


def landed(row: Row) -> Row:
    """The copy as it arrives in the source."""
    return row | {"mp_event_name": row["mp_event_name"] or "Other", "time": row["time"].replace(microsecond=0)}


@pytest.mark.parametrize("engine", ["duckdb", "bigquery"])
def test_the_split_into_files_does_not_matter(
    engine: str, project_on: OnEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = project_on(engine)
    project.set(pipeline={"key": "mixpanel", "keep": "first", "missing_insert_id": "reject"})

    @examples(2 if engine == "duckdb" else 1)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        stream: list[Row] = data.draw(with_time)
        delivery = data.draw(deliveries(stream))
        clear(project)
        folder = tmp_path_factory.mktemp("export")
        delivered: list[Row] = []
        for number, (rows, runs) in enumerate(zip(delivery.landings, delivery.runs, strict=True)):
            if not rows:
                continue
            path = folder / f"{number}.jsonl"
            path.write_text("".join(map(line, rows)))
            for again in [False, True][: 1 + (number == 0)]:
                landing = land_one(project.warehouse, project.settings, path, again=again)
                assert (landing.lines, landing.source_rows, landing.malformed_rows) == (len(rows), len(rows), 0)
                delivered += rows
            if runs:
                run(project, delivery)
        run(project, delivery)
        source = [Copy.of(row) for row in project.engine.rows(project.settings.tables.source)]
        expected = Counter(Copy.of(landed(row) | {"loaded_at": None}) for row in delivered)
        assert Counter(replace(copy, loaded_at=None) for copy in source) == expected
        events, rejected = deduplicate(source, key="mixpanel", keep="first")
        assert published(project) == (Counter(events), Counter(rejected))

    holds()
