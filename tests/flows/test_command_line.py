"""The command line through Prefect: it prints what it prints without, and Ctrl-C is told to the server."""

import signal

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.cli.test_interrupt import SENTENCE, wait_for_a_published_day
from tests.flows.project import Project
from tests.support.command_line import export

pytestmark = pytest.mark.xdist_group("prefect")

DAYS, ROWS = 8, 20


def test_a_stopped_backfill_is_crashed_at_the_server_and_the_next_one_ends_it(project: Project) -> None:
    place, through_prefect = project.place, {"PREFECT_API_URL": project.api}
    place.write("mixflows.toml", "[backfill]\nconcurrency = 1\nbatch_days = 1\n")
    place.write("export.jsonl", export(DAYS, ROWS))
    place.run("land", "export.jsonl")
    running = place.start("backfill", env=through_prefect)
    wait_for_a_published_day(place.folder, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    with get_client(sync_client=True) as client:
        (last,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
    page = f"{project.api.removesuffix('/api')}/runs/flow-run/{last.id}"
    assert (running.returncode, out, err) == (130, "", f"Flow run: {page}\n{SENTENCE}")
    assert (last.state_name, last.name, last.tags) == ("Crashed", "backfill all days", ["mixflows"])

    left = place.run("plan", "--json").json["days"]
    done = place.rows("SELECT count(DISTINCT partition_date) FROM mp_partition_runs WHERE status = 'published'")
    assert done == [(DAYS - len(left),)]
    at_once = ("--mode", "all", "--set", "backfill.batch_days=31")
    result = place.run("backfill", *at_once, "--json", env=through_prefect).json
    assert len(result["days"]) == DAYS
    assert place.rows("SELECT count(*), count(DISTINCT mp_insert_id) FROM mp_events") == [(DAYS * ROWS, DAYS * ROWS)]

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        ended = place.run("run")
    assert ended.out.startswith("Nothing to do"), "and no server is started for it"
    assert ended.err == ""
