"""Delivers versions of days in processes that are killed, and again: `python -m tests.slots.kill_versions JOB_FILE`.

Every delivery and every run that is killed is a process of its own, forked from this one, which holds no warehouse
meanwhile, and does it again. Prints when each version was landed, as one JSON list.
"""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from mixflows.settings import Settings
from tests.failure.kill_driver import Work, child
from tests.failure.killing import Calls, KillPoint


def done_at_last(work: Work, killed_at: int) -> None:
    """Does the work; where it was killed before the call of that number, once more."""
    was_killed, _ = child(lambda announce: work("killed", Calls(KillPoint(killed_at, "before"), announce)))
    if was_killed:
        work("again", Calls())


def main() -> None:
    """Does what the job file says."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = Settings.model_validate(job["settings"])
    instants: list[str] = []
    for step in job["steps"]:
        now = datetime.now(UTC)
        first, last = map(date.fromisoformat, step["days"])
        done_at_last(Work(settings, Path(step["file"]), (first, last), now), step["killed_at"])
        instants.append(now.isoformat())
        if step["runs"]:
            done_at_last(Work(settings, None), step["run_killed_at"])
    json.dump(instants, sys.stdout)


if __name__ == "__main__":
    main()
