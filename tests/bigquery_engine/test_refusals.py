"""What cannot work is said in one sentence with the next step; nothing is half-published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery_engine.faults import Answer, JobFails, always, proxy
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project
from tests.spec.tables import DAY
from tests.support.command_line import run_here

Command = Callable[..., tuple[int, str]]
SOURCE = """
    id | time  | arrival
    a  | 10:00 | 10:05
    a  | 10:00 | 10:06
    b  | 11:00 | 11:01
"""


@pytest.fixture
def mixflows(place: Place, tmp_path: Path) -> Command:
    """Runs the command line on the place, and gives its exit code and all that it said."""

    def run(*words: str, **bigquery: Any) -> tuple[int, str]:
        settings = place.settings({"bigquery": bigquery}).model_dump(mode="json", exclude_none=True)["bigquery"]
        for name in [name for name, value in bigquery.items() if value is None]:
            settings.pop(name, None)
        labels = settings.pop("labels")
        assert labels == {}
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        config = tmp_path / "settings.toml"
        config.write_text('[warehouse]\nengine = "bigquery"\n[bigquery]\n' + "\n".join(lines) + "\n")
        ended = run_here(tmp_path, *words, "--config", str(config))
        text = " ".join((ended.out + ended.err).split())
        assert "Traceback" not in text
        return ended.code, text

    return run


def run(mixflows: Command, **bigquery: Any) -> tuple[int, str]:
    return mixflows("run", "--no-prefect", "--json", "--as-of", "2026-03-31", **bigquery)


def test_a_key_file_that_is_none(mixflows: Command, tmp_path: Path) -> None:
    garbage = tmp_path / "key.json"
    garbage.write_text('{"private_key": "secret-of-mine"}')
    code, said = run(mixflows, key_file=str(garbage))
    assert code == 2
    assert f"bigquery.key_file {garbage} is no service account's key file" in said
    assert "Download the key again" in said
    assert "secret" not in said


def test_no_credentials_at_all(mixflows: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    code, said = run(mixflows, api_endpoint=None)
    assert code == 1
    assert "there are no credentials for BigQuery here" in said
    assert "gcloud auth application-default login" in said


def test_credentials_that_are_not_accepted(mixflows: Command, project: Project, endpoint: str) -> None:
    project.deliver(SOURCE)
    refused = Answer(401, "authError", "Request had invalid authentication credentials.")
    with proxy(endpoint, lambda _: refused) as through:
        code, said = run(mixflows, api_endpoint=through)
    assert code == 1
    assert "BigQuery does not accept the credentials" in said
    assert "Name a GcpCredentials block or a key file" in said


@pytest.mark.parametrize("command", [("run", "--no-prefect"), ("init",), ("status",)])
def test_a_dataset_that_is_not_there(mixflows: Command, place: Place, command: tuple[str, ...]) -> None:
    code, said = mixflows(*command, dataset="nowhere")
    assert code == 1
    assert f"dataset {place.project}.nowhere is not there" in said
    assert "Make it in location US" in said


def test_a_dataset_in_another_location(mixflows: Command, project: Project, place: Place, endpoint: str) -> None:
    project.deliver(SOURCE)
    dataset = place.client.get_dataset(place.dataset)
    not_found = Answer(
        404, "notFound", f"Not found: Dataset {place.project}:{place.dataset} was not found in location EU"
    )
    assert dataset.location == "US"
    with proxy(endpoint, always(not_found, ".")) as through:
        code, said = run(mixflows, location="EU", api_endpoint=through)
    assert code == 1
    assert f"dataset {place.project}.{place.dataset} is in location US, but bigquery.location is EU" in said
    assert 'Set bigquery.location = "US"' in said


def test_a_source_that_is_not_there(mixflows: Command, place: Place) -> None:
    code, said = run(mixflows)
    assert code == 1
    assert f"table {place.table('mp_master_event')} is not there" in said
    assert "tables.source" in said


def test_a_source_in_another_case_is_named_as_it_is_spelled(mixflows: Command, place: Place, endpoint: str) -> None:
    place.create_table("MP_Master_Event", LANDED)
    not_found = Answer(404, "notFound", f"Not found: Table {place.table('mp_master_event')}")
    # The server here finds a table in any case; BigQuery does not.
    with proxy(endpoint, lambda request: not_found if "/tables/mp_master_event" in request.path else None) as through:
        for words in (("run", "--no-prefect"), ("plan",), ("doctor",)):
            code, said = mixflows(*words, api_endpoint=through)
            assert code == 1
            assert f"table {place.table('mp_master_event')} is not there" in said
            assert 'tables.source = "MP_Master_Event"' in said


def test_reading_commands_make_no_table(mixflows: Command, place: Place) -> None:
    place.create_table("mp_master_event", LANDED)
    for words in (("status",), ("plan",), ("report", "--out", "-"), ("explain", "--insert-id", "a"), ("doctor",)):
        mixflows(*words)
    assert [table.table_id for table in place.client.list_tables(place.dataset)] == ["mp_master_event"]


def test_a_column_that_the_source_lacks(mixflows: Command, place: Place) -> None:
    place.create_table("mp_master_event", {name: kind for name, kind in LANDED.items() if name != "mp_insert_id"})
    code, said = run(mixflows)
    assert code == 1
    assert "table mp_master_event has no column 'mp_insert_id', which the setting columns.insert_id names" in said


def test_a_view_instead_of_a_table(mixflows: Command, place: Place) -> None:
    place.create_table("events_of_old", LANDED)
    place.sql(f"CREATE VIEW `{place.table('mp_master_event')}` AS SELECT * FROM `{place.table('events_of_old')}`")
    code, said = run(mixflows)
    assert code == 1
    assert "mp_master_event is a view, not a table" in said
    assert "Name the table under it" in said


CAP = Answer(
    400,
    "bytesBilledLimitExceeded",
    "Query exceeded limit for bytes billed: 1000000. 10485760 or higher required.",
)
QUOTA = Answer(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes scanned.")
DENIED = Answer(403, "accessDenied", "Access Denied: Table proj:mixpanel.mp_events: User does not have permission.")
ROW_VALUE = JobFails("Bad double value: 'jane@example.org'")


@pytest.mark.parametrize(
    ("fault", "where", "sentence", "next_step", "recorded"),
    [
        (
            CAP,
            "stg_mp_copies",
            "would bill more than bigquery.maximum_bytes_billed (1,000,000)",
            "Raise the setting",
            True,
        ),
        (
            QUOTA,
            "INSERT INTO `[^`]+stg_mp_events",
            "exceeds a quota of the project",
            "raise the quota in the console",
            False,
        ),
        (DENIED, r"mp_events\$", "access denied", "Grant the rights", False),
        (ROW_VALUE, "stg_mp_copies", "was refused as wrong", "mixflows doctor", True),
    ],
    ids=["cap", "quota", "access", "refused"],
)
def test_a_statement_that_bigquery_does_not_run(
    mixflows: Command,
    project: Project,
    place: Place,
    endpoint: str,
    fault: Any,
    where: str,
    sentence: str,
    next_step: str,
    recorded: bool,
) -> None:
    """Nothing of the day is published, and the next run takes it.

    What a day's data may be the reason of is recorded as the day's failure; what every day would meet ends the run.
    """
    project.deliver(SOURCE)
    with proxy(endpoint, always(fault, where)) as through:
        code, said = run(mixflows, api_endpoint=through, maximum_bytes_billed=1_000_000)
    assert code == 1
    assert sentence in said
    assert next_step in said
    assert "jane" not in said
    assert project.events() == project.rejected() == []
    assert [(row["status"], sentence in row["error"]) for row in project.ledger()] == [("failed", True)] * recorded
    assert run(mixflows)[0] in (0, 3)
    assert len(project.events()) == 2


def test_days_that_a_live_run_holds_are_left_to_it_with_an_exit_code_of_their_own(
    mixflows: Command, project: Project, place: Place
) -> None:
    project.deliver(SOURCE)
    holder = BigQueryWarehouse(project.settings)
    try:
        holder.claim([DAY], "another")
        for words in (("run", "--as-of", "2026-03-31"), ("backfill",)):
            code, said = mixflows(*words, "--no-prefect", "--json", "--wait", "0")
            told = json.loads(said)
            assert (code, told["exit_code"], told["held"], told["days"]) == (4, 4, {str(DAY): "another"}, [])
        holder.release([DAY], "another")
    finally:
        holder.close()
    assert run(mixflows)[0] in (0, 3)
    assert len(project.events()) == 2
