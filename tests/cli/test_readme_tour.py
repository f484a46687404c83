"""The README's tour, command by command, on the demo that it begins with."""

import re
import shlex
import subprocess
import sys

from tests.cli.test_help import README, command_lines
from tests.support.command_line import Installation

TOUR = README.split("## A tour of five minutes")[1].split("\n## ")[0]


def test_the_demo_and_the_tour_show_what_the_readme_says(empty: Installation) -> None:
    demo = empty.run("demo", "--no-prefect", "--until", "2026-07-01").out
    assert demo.count(" agree") == 7
    assert "DIFFER" not in demo
    assert "* without the blocked day 2026-06-18" in demo
    assert "on 18 June" in TOUR

    shown: dict[str, list[str]] = {}
    for line in command_lines(TOUR):
        _, command, *words = shlex.split(line)
        shown.setdefault(command, []).append(empty.run(command, *words, code=3 if command == "run" else 0).out)
    (status,) = shown["status"]
    assert "30 days published, up to 2026-07-01; 1 blocked, 0 failed; 0 due." in status
    assert re.search(r"2026-06-18: .*3\.99", status)
    first_plan, last_plan = shown["plan"]
    assert "0 days to process" in first_plan
    assert re.search(r"2026-06-03 +changed", last_plan)
    assert shown["run"][0].startswith("Nothing to do")
    assert "1 published." in shown["backfill"][0]
    for name in re.findall(r"`(mixflows-demo/[\w./-]+\.html)`", README):
        assert (empty.folder / name).is_file()

    (program,) = re.findall(r'^python -c "(.*)"$', README, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=empty.folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Duplicate event" in done.stdout
