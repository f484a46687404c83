"""A source with more columns than a statement of BigQuery's can name."""

import pytest

from mixflows.errors import SourceColumnsError
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project


def test_it_is_refused_before_anything_is_made(project: Project, place: Place) -> None:
    project.engine.create_table("mp_master_event", LANDED | {f"mp_property_{n}": "STRING" for n in range(5_000)})

    before = len(place.jobs())

    with pytest.raises(SourceColumnsError, match="columns"):
        project.run()

    assert len(place.jobs()) == before
