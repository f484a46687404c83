"""Runs days from the command line: through Prefect's flows, or through the same functions without Prefect."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from deployments.prefect_server import connected, is_server_named, prepare_prefect, server_must_answer
from mixflows.cli.interrupt import leave_signals_to_prefect
from mixflows.cli.output import (
    console,
    number,
    outcome_json,
    outcomes_table,
    print_json,
    progress_bars,
    starting_server,
)
from mixflows.cli.session import opened_source, renew_report
from mixflows.cli.standing import print_flagged, print_standing, standing_json
from mixflows.days import DayRange, last_complete_day, parse_day
from mixflows.errors import MixflowsError, UsageError
from mixflows.ledger.standing import FlaggedDay
from mixflows.model import Plan, Run, Status
from mixflows.packages import refuse_hidden_packages
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import DaysLeftError, RunResult, ThreadSteps, process
from mixflows.progress import listener
from mixflows.settings import load_settings, parse_assignments, settings_file
from mixflows.text import counted, is_utf8, plain

TAG = "mixflows"
"""Of every flow run, as the deployments' tags are."""


class Runner:
    """One invocation of `run` or `backfill`.

    Args:
        config: The settings' file.
        assignments: Settings over it.
        use_prefect: Whether the flows run, or the functions under them.
        verbose: Whether Prefect's log is shown.
        as_json: Whether the result is printed as JSON.

    Raises:
        SettingsError: The settings do not hold.
    """

    def __init__(
        self, config: Path | None, assignments: list[str] | None, *, use_prefect: bool, verbose: bool, as_json: bool
    ) -> None:
        self._config, self._assignments = config, assignments or []
        self._use_prefect, self._as_json = use_prefect, as_json
        self.settings = load_settings(config, parse_assignments(self._assignments))
        if use_prefect:
            prepare_prefect(verbose=verbose)

    def daily(self, as_of: str | None, *, accept_rules: bool) -> int:
        """Fetches what is due, where Mixpanel feeds the source, runs what is due and prints it.

        Returns:
            The exit code.
        """
        last = parse_day(as_of) if as_of else last_complete_day(datetime.now(UTC), self.settings.zone)
        check_rows = self.settings.quality.row_checks != "never"
        request = PlanRequest(days=DayRange(end=last), accept_rules=accept_rules, check_rows=check_rows)
        fetches = self.settings.source.feed == "mixpanel"
        idle = self._idle_plan(request, fetches=fetches)
        if idle or not self._use_prefect:
            if not fetches:
                return self._shown(self._plain(request, idle))
            not_fetched = self._fetch_due()  # planned after it, as it may have landed days
            return self._shown(replace(self._plain(request), not_fetched=not_fetched))
        from flows.daily import daily

        return self._shown(self._flow(daily, fetches=fetches, as_of=last, accept_rules=accept_rules))

    def backfill(self, request: PlanRequest) -> int:
        """Runs a backfill and prints it.

        Returns:
            The exit code.
        """
        request = replace(request, check_rows=self.settings.quality.row_checks == "always")
        idle = self._idle_plan(request)
        if idle or not self._use_prefect:
            return self._shown(self._plain(request, idle))
        from flows.backfill import backfill

        result = self._flow(
            backfill,
            start=request.days.start,
            end=request.days.end,
            mode=request.mode,
            newest_first=request.newest_first,
            accept_rules=request.accept_rules,
        )
        return self._shown(result)

    def _idle_plan(self, request: PlanRequest, *, fetches: bool = False) -> Plan | None:
        """The plan, if it has no day and the flows would need a temporary server: none is started for nothing.

        A plan with days is dropped. The flow makes its own, from what is due once the server answers, seconds later, and
        as a task that is seen and retried; planning reads metadata only.
        """
        if not self._use_prefect or is_server_named() or (fetches and self._is_fetch_due()):
            return None
        plan = make_plan(opened_source(self.settings), self.settings, request)
        return None if plan.days else plan

    def _is_fetch_due(self) -> bool:
        from mixflows.mixpanel.clock import Clock
        from mixflows.pipeline.fetch import plan_fetch

        try:
            return bool(plan_fetch(self.settings, None, Clock()).queries)
        except MixflowsError:
            return True  # the run says why

    def _fetch_due(self) -> tuple[MixflowsError, ...]:
        from mixflows.cli.fetch import say_fetched, with_secret
        from mixflows.mixpanel.clock import Clock
        from mixflows.pipeline.fetch import fetch_due

        with progress_bars():
            return fetch_due(self.settings, with_secret, Clock(), lambda done: say_fetched(done, as_json=self._as_json))

    def _plain(self, request: PlanRequest, idle: Plan | None = None) -> RunResult:
        from expectations.gate import GreatExpectationsAuditor

        with progress_bars():
            warehouse = opened_source(self.settings)
            plan = idle or make_plan(warehouse, self.settings, request)
            listener().planned(plan)
            run = Run(str(uuid4()))
            auditor = GreatExpectationsAuditor(self.settings, warehouse.row_access())
            context = RunContext(warehouse, self.settings, run)
            again = partial(make_plan, warehouse, self.settings, request)
            result = process(context, plan, ThreadSteps(context, auditor), listener().day_done, again)
            if result.outcomes:
                renew_report(warehouse, self.settings)
            return result

    def _flow(self, flow: Any, *, fetches: bool = False, **parameters: object) -> RunResult:
        config = str(self._config) if self._config else None
        _refuse_bytes(config or "", *self._assignments)
        if not fetches:
            # A file held by another process, or a source that is not there, is told before a server is started.
            opened_source(self.settings)
        from prefect import tags

        outlives_the_command = is_server_named()
        with connected(starting_server()), progress_bars(shows_page=outlives_the_command), tags(TAG):
            state = flow(**parameters, config=config, assignments=self._assignments, return_state=True)
        result = state.result(raise_on_failure=False)
        if isinstance(result, DaysLeftError):
            return result.result
        if isinstance(result, RunResult):
            return result
        if isinstance(result, BaseException):
            raise result
        raise MixflowsError(f"the flow ended {state.name}: {state.message}")

    def _shown(self, result: RunResult) -> int:
        if self._as_json:
            print_json({
                "run_id": result.run.run_id,
                "exit_code": result.exit_code,
                "days": [outcome_json(outcome) for outcome in result.outcomes],
                "held": {str(day): holder for day, holder in result.held.items()},
                "standing": standing_json(result.standing),
                **({"nothing": result.nothing} if result.nothing else {}),
                **({"not_fetched": [str(err) for err in result.not_fetched]} if result.not_fetched else {}),
            })  # fmt: skip
            return result.exit_code
        show_result(result, self._config)
        return result.exit_code


def show_result(result: RunResult, config: Path | None) -> None:
    """Prints what a run did: its days, one line that sums them up, and the command to go on with these settings."""
    _show_days(result, config)
    for err in result.not_fetched:
        console.print(f"Not fetched: {err}")


def _show_days(result: RunResult, config: Path | None) -> None:
    if not result.outcomes and not result.held:
        console.print(result.nothing_to_do)
        print_standing(result.standing, config)
        return
    console.print(outcomes_table(result.outcomes))
    counts = ", ".join(f"{number(len(result.days(s)))} {s}" for s in Status if result.days(s))
    rows = sum(outcome.row.source_rows or 0 for outcome in result.outcomes)
    console.print(
        f"\n{counted(len(result.outcomes), 'day')}, {counted(rows, 'source row')}: {counts or 'none processed'}."
    )
    for day, holder in result.held.items():
        console.print(f"{day} is held by run {holder} and was left alone.")
    flagged = sorted((o for o in result.outcomes if o.warned), key=lambda o: o.row.partition_date)
    print_flagged([FlaggedDay(o.row.partition_date, o.row.note) for o in flagged], config)
    print_standing(result.standing, config)


def _refuse_bytes(*parameters: str) -> None:
    """Refuses what Prefect cannot store as a parameter of a flow run: a path whose bytes are not UTF-8."""
    for text in parameters:
        if not is_utf8(text):
            raise UsageError(
                f"{plain(text)} has bytes in it that are not UTF-8, which Prefect takes in no parameter",
                "Rename it. `run` and `backfill` also work without Prefect, with --no-prefect.",
            )


def run_serve(config: Path | None, assignments: list[str] | None, cron: str | None) -> None:
    """Serves the flows until it is stopped."""
    refuse_hidden_packages(Path.cwd())
    prepare_prefect(verbose=True)
    settings = load_settings(config, parse_assignments(assignments or []))
    server_must_answer()
    from deployments.serve import serve_deployments

    file = settings_file(config)
    name = str(file.resolve()) if file else None
    _refuse_bytes(name or "", *(assignments or []))
    always = {"config": name, "assignments": assignments or []}
    leave_signals_to_prefect()
    serve_deployments(settings, always, cron)
