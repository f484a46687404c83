"""Who is told when something is wrong: Prefect automations, made or brought up to date.

python -m deployments.automations --notify slack-webhook/mixflows --daily-by 06:00
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.actions import ActionTypes, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from deployments.prefect_server import server_must_answer
from deployments.serve import FLOWS
from mixflows.errors import MixflowsError, UsageError
from mixflows.settings import load_settings
from tasks.alerts import DUPLICATES_HIGH
from tasks.reporting import FINAL_STATES

ENDED = {f"prefect.flow-run.{state}" for state in (*FINAL_STATES, "Crashed", "Cancelled", "TimedOut")}
WORKED = {f"prefect.flow-run.{state}" for state in (*FINAL_STATES, "TimedOut")}
FLOW_RUN: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}
MISSED_HEARTBEATS = 3
BODY = """\
Flow run {{ flow_run.name }} of {{ flow.name }} is {{ flow_run.state.name }}.
{{ flow_run.state.message|replace("<", "\u2039")|replace("](", "] (") }}
{{ flow_run|ui_url }}"""
"""A message may quote names of events and files: in no channel they become a mention, a tag or a link."""


def automations(
    notify: UUID, daily_within: timedelta, silence: timedelta | None = None, *, prefix: str = ""
) -> list[AutomationCore]:
    """The automations, as they should be.

    Args:
        notify: The notification block's document.
        daily_within: How long after one run of `daily` the next has to have ended; see `patience`.
        silence: How long after a sign of life a run counts as lost; by default three heartbeats.
        prefix: Of the deployments' names. With one, only runs of these deployments count; else all runs of the flows.
    """
    ours = f"mixflows {prefix}".rstrip("-_ ")

    def runs_of(*names: str) -> dict[str, str | list[str]]:
        role = "deployment" if prefix else "flow"
        return {"prefect.resource.role": role, "prefect.resource.name": [f"{prefix}{name}" for name in names]}

    heartbeat = timedelta(seconds=get_current_settings().flows.heartbeat_frequency or 180)
    silence = silence or MISSED_HEARTBEATS * heartbeat
    return [
        AutomationCore(
            name=f"{ours}: a day is blocked",
            description="The quality gate held at least one day back; what was published before stands.",
            trigger=_ended({"Blocked"}, runs_of("daily", "backfill")),
            actions=[_message(notify, f"{ours}: the quality gate blocked a day", BODY)],
        ),
        AutomationCore(
            name=f"{ours}: a run failed",
            description="A run failed, crashed, took too long, or waited in vain for another one.",
            trigger=_ended({"Failed", "HeldElsewhere", "Crashed", "TimedOut"}, runs_of(*FLOWS)),
            actions=[_message(notify, f"{ours}: a run failed", BODY)],
        ),
        AutomationCore(
            name=f"{ours}: daily has not run",
            description="No run of daily ended since yesterday: look at the server, the worker and the schedule.",
            trigger=EventTrigger(
                posture=Posture.Proactive,
                match=FLOW_RUN,
                match_related=runs_of("daily"),
                expect=WORKED,
                threshold=1,
                within=daily_within,
            ),
            actions=[
                _message(
                    notify,
                    f"{ours}: daily has not run",
                    "No run of daily has ended since yesterday. Is the worker running, and the schedule active?",
                )
            ],
        ),
        AutomationCore(
            name=f"{ours}: duplicates stay high",
            description="The duplicate rate is above its warning on the last three days and more.",
            trigger=EventTrigger(
                posture=Posture.Reactive, match_related=runs_of("daily"), expect={DUPLICATES_HIGH}, threshold=1
            ),
            actions=[
                _message(
                    notify,
                    f"{ours}: duplicates stay high",
                    "{{ event.payload.days }} days up to {{ event.payload.last_day }} have a duplicate rate above"
                    " {{ event.payload.warning }}. The last one: "
                    '{{ event.payload.why|replace("<", "\u2039")|replace("](", "] (") }}.',
                )
            ],
        ),
        AutomationCore(
            name=f"{ours}: a run lost its process",
            description="A run that gives no sign of life is marked Crashed: its slot is free, and it can be retried.",
            trigger=EventTrigger(
                posture=Posture.Proactive,
                match=FLOW_RUN,
                match_related=runs_of(*FLOWS),
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.heartbeat", *ENDED},
                for_each={"prefect.resource.id"},
                threshold=1,
                within=silence,
            ),
            actions=[
                ChangeFlowRunState(
                    name=None,
                    state=StateType.CRASHED,
                    message=f"no sign of life for {silence.total_seconds():.0f} s: the process or its machine is gone",
                    force=False,
                )
            ],
        ),
    ]


def patience(cron: str, daily_by: time) -> timedelta:
    """How long after one run of `daily` the next has to have ended.

    Raises:
        UsageError: The schedule is not one time a day, or the deadline is not after it.
    """
    found = re.fullmatch(r"(\d+) (\d+) \* \* \*", cron)
    if not found:
        raise UsageError(f"daily's schedule {cron!r} is not one time a day", "Write it as 'MINUTE HOUR * * *'.")
    minute, hour = int(found[1]), int(found[2])
    start, deadline = timedelta(hours=hour, minutes=minute), timedelta(hours=daily_by.hour, minutes=daily_by.minute)
    if deadline <= start:
        raise UsageError(
            f"daily starts at {hour:02}:{minute:02}, not before {daily_by:%H:%M}", "Name a later --daily-by."
        )
    return timedelta(days=1) + deadline - start


async def apply(wanted: Sequence[AutomationCore], client: PrefectClient) -> dict[str, str]:
    """Makes what is missing and updates what is there, by name.

    Returns:
        What happened to each: `made`, `updated` or `unchanged`.
    """
    done: dict[str, str] = {}
    for automation in wanted:
        found = await client.read_automations_by_name(automation.name)
        if not found:
            await client.create_automation(automation)
            done[automation.name] = "made"
        elif AutomationCore.model_validate(found[0].model_dump(exclude={"id"})) == automation:
            done[automation.name] = "unchanged"
        else:
            await client.update_automation(found[0].id, automation)
            done[automation.name] = "updated"
    return done


async def daily_cron(client: PrefectClient, prefix: str = "") -> str:
    """When `daily` runs, as it is deployed under a prefix.

    Raises:
        UsageError: It is not deployed, or has no cron.
    """
    try:
        deployment = await client.read_deployment_by_name(f"daily/{prefix}daily")
    except ObjectNotFound as err:
        raise UsageError(f"{prefix}daily is not deployed", "Deploy first; docs/operations.md says how.") from err
    crons = [s.schedule.cron for s in deployment.schedules if isinstance(s.schedule, CronSchedule)]
    if not crons:
        raise UsageError(f"{prefix}daily has no cron", "Deploy it again; docs/operations.md says how.")
    return crons[0]


async def notification_block(name: str, client: PrefectClient) -> UUID:
    """The document of a notification block, named as `TYPE/NAME`.

    Raises:
        UsageError: There is no such block.
    """
    block_type, _, document = name.partition("/")
    try:
        return (await client.read_block_document_by_name(document, block_type)).id
    except ObjectNotFound as err:
        raise UsageError(
            f"there is no block {name}", "Make one under Blocks in Prefect's UI, and name it as TYPE/NAME."
        ) from err


def _ended(states: set[str], related: dict[str, str | list[str]]) -> EventTrigger:
    return EventTrigger(
        posture=Posture.Reactive,
        match=FLOW_RUN,
        match_related=related,
        expect={f"prefect.flow-run.{state}" for state in states},
        for_each={"prefect.resource.id"},
        threshold=1,
    )


def _message(block: UUID, subject: str, body: str) -> ActionTypes:
    return SendNotification(block_document_id=block, subject=subject, body=body)


async def main(words: Sequence[str]) -> None:
    """Reads the command line and applies the automations."""
    parser = argparse.ArgumentParser(prog="python -m deployments.automations", description=__doc__)
    parser.add_argument("--notify", metavar="TYPE/NAME", required=True, help="the notification block")
    parser.add_argument("--daily-by", metavar="HH:MM", default="06:00", help="when daily has to have run")
    given = parser.parse_args(words)
    daily_by = datetime.strptime(given.daily_by, "%H:%M").time()  # noqa: DTZ007 - a time of day
    prefix = load_settings().deployments.prefix
    server_must_answer()
    async with get_client() as client:
        block = await notification_block(given.notify, client)
        wanted = automations(block, patience(await daily_cron(client, prefix), daily_by), prefix=prefix)
        for name, what in (await apply(wanted, client)).items():
            sys.stdout.write(f"{what:9}  {name}\n")


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except MixflowsError as err:
        sys.exit(f"error: {err}")
