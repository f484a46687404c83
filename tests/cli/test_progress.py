"""The bar of days: it moves with the steps of a batch, and never back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.progress import Progress

from mixflows.cli.output import Bars
from mixflows.model import Run
from mixflows.pipeline.run import ThreadSteps, process
from mixflows.progress import Step, listening
from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine
from tests.spec.project import LetAll, Project
from tests.spec.tables import DAY


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """One day, with a copy to rank."""
    made = Project(DuckDBEngine(tmp_path))
    made.create_source()
    made.deliver("id | time\na | 10:00\na | 10:00")
    yield made
    close_warehouses()


class _Moves(Progress):
    """Progress whose only bar is kept at every move."""

    def __init__(self) -> None:
        super().__init__(disable=True)
        self.moves: list[float] = []

    def update(self, *args: object, **fields: object) -> None:
        super().update(*args, **fields)  # pyright: ignore[reportArgumentType]
        self.moves.append(self.tasks[0].completed)


def test_the_bar_moves_with_each_step_of_a_batch(project: Project) -> None:
    plan, progress = project.plan(), _Moves()
    bars = Bars(progress, shows_page=False)
    context = project.context(Run("run"))
    bars.planned(plan)
    with listening(bars):
        process(context, plan, ThreadSteps(context, LetAll()), bars.day_done)
    assert progress.moves == [*(step.value for step in Step), 1.0]


def test_a_batch_that_is_done_again_moves_nothing_back(project: Project) -> None:
    progress = _Moves()
    bars = Bars(progress, shows_page=False)
    bars.planned(project.plan())
    for step in (Step.COMPARED, Step.JUDGED, Step.RANKED):
        bars.step_done([DAY], step)
    assert progress.moves == [0.1, 0.6, 0.6]
