"""The process that `seconds` watches: a daily run with its parts timed. Nothing is imported before what the command imports."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any


class Watch:
    """Counts the seconds of functions, in whatever thread they run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def over(self, part: str, module: Any, *names: str) -> None:
        """Lets a module's functions be counted for a part."""
        for name in names:
            setattr(module, name, self._counted(part, getattr(module, name)))

    def _counted(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += time.perf_counter() - started

        return counted


def one_run(way: str, last: str) -> dict[str, float]:
    """A daily run up to a day, as the command runs it.

    Returns:
        Seconds by part.
    """
    from deployments import prefect_server
    from expectations.auditor import GreatExpectationsAuditor
    from mixflows.cli import run as command
    from mixflows.pipeline import publish as day

    watch = Watch()
    if way == "flow":
        prefect_server.prepare_prefect(verbose=False)
        import flows.daily
        from tasks import days, planning

        watch.over("server", prefect_server, "server_must_answer")
        watch.over("plan", planning, "make_plan")
        watch.over("stage", days.one_day, "stage_day")
        watch.over("publish", days.one_day, "publish_day")
        watch.over("artifacts", flows.daily, "leave_artifacts", "materialize_tables", "tell_of_duplicates")
    else:
        from mixflows.pipeline import run as plain

        watch.over("plan", command, "make_plan")
        watch.over("stage", plain, "stage_day")
        watch.over("publish", plain, "publish_day")
    watch.over("audit", GreatExpectationsAuditor, "judge")
    watch.over("record", day, "record")
    imported = time.time()
    command.Runner(None, None, use_prefect=way == "flow", verbose=False, as_json=True).daily(last, accept_rules=False)
    ended = time.time()
    import psutil  # the command does not

    born = psutil.Process().create_time()
    seconds = dict(watch.seconds)
    seconds["publish"] -= seconds["record"]
    seconds["import"] = imported - born
    rest = ended - born - sum(seconds.values())
    left_over = "Prefect" if way == "flow" else "other"
    seconds[left_over] = seconds.get(left_over, 0.0) + rest
    return seconds


if __name__ == "__main__":
    mode, until_day, where = sys.argv[1:]
    Path(where).write_text(json.dumps(one_run(mode, until_day)), encoding="utf-8")
