"""The README's tour, command by command, on the demo that it begins with."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.installation import Ended, Installation
from tests.cli.test_help import README, command_lines

TOUR = README.split("## A tour of five minutes")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("tour"))


@pytest.fixture(scope="module")
def demo(place: Installation) -> Ended:
    return place.run("demo", "--no-prefect")


@pytest.fixture(scope="module")
def tour(demo: Ended, place: Installation) -> dict[str, Ended]:
    """What each command line of the tour printed; all of them end with 0."""
    return {f"{n} {line}": place.run(*shlex.split(line)[1:]) for n, line in enumerate(command_lines(TOUR))}


def shown(tour: dict[str, Ended], command: str) -> list[str]:
    return [ended.out for line, ended in tour.items() if f" mixflows {command} " in line]


@pytest.mark.xdist_group("tour")
def test_the_demos_counts_are_the_generators(demo: Ended) -> None:
    assert demo.out.count(" agree") == 7
    assert "DIFFER" not in demo.out


@pytest.mark.xdist_group("tour")
def test_the_tour_shows_what_the_readme_says(tour: dict[str, Ended]) -> None:
    (status,) = shown(tour, "status")
    assert "30 days published, up to 2026-07-01; 1 blocked, 0 failed; 0 due." in status
    assert re.search(r"2026-06-18 blocked: .*3\.99", status)
    first_plan, last_plan = shown(tour, "plan")
    assert "0 days to process" in first_plan
    assert re.search(r"2026-06-03 +changed", last_plan)
    assert shown(tour, "run")[0].startswith("Nothing to do")
    assert "1 day, " in shown(tour, "backfill")[0]
    assert "1 published." in shown(tour, "backfill")[0]


@pytest.mark.xdist_group("tour")
def test_the_blocked_day_in_the_text_is_the_demos(demo: Ended) -> None:
    assert "* without the blocked day 2026-06-18" in demo.out
    assert "on 18 June" in TOUR


@pytest.mark.xdist_group("tour")
def test_the_readmes_query_runs(tour: dict[str, Ended], place: Installation) -> None:
    (program,) = re.findall(r'^python -c "(.*)"$', README, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=place.folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Duplicate event" in done.stdout


@pytest.mark.xdist_group("tour")
def test_the_tours_files_are_there(tour: dict[str, Ended], place: Installation) -> None:
    for name in re.findall(r"`(mixflows-demo/[\w./-]+\.html)`", README):
        assert Path(place.folder / name).is_file()
