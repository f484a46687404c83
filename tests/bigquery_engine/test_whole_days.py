"""Whole days through faults and beside other processes: the days are as they were or as they are delivered, and never in between."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from mixflows.errors import MixflowsError, SourceColumnsError, UsageError
from mixflows.intake.content import inspect_file
from mixflows.intake.slots import Delivery, Superseded
from mixflows.pipeline.land import supersede
from mixflows.warehouse import close_warehouses
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import LOST, Answer, Fault, Request, proxy
from tests.bigquery_engine.place import Place
from tests.slots.days import DAY, counts, line

FIRST = [line("same"), line("restated"), line("gone"), "no event"]
SECOND = [line("same"), line("restated", n=2), line("new"), "no event either"]
SLOT = f"mixpanel/1/{DAY}..{DAY}"
TABLES = ("mp_master_event", "mp_malformed_records", "mp_landings")
CUT_OFF = Answer(403, "accessDenied", "Access Denied: cut off")


def deliver(place: Place, folder: Path, lines: list[str], first: date = DAY) -> Superseded:
    path = folder / f"{len(lines)}-{hash(tuple(lines))}.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    settings = place.settings({})
    return supersede(place.warehouse(settings), settings, Delivery(path, SLOT, first, first, "mixpanel"))


def through(
    api: BigQueryApi, place: Place, endpoint: str, fault: Callable[[Request], Fault], folder: Path
) -> Superseded | MixflowsError:
    """Delivers the second time with faults on the way to the server, as a process of its own."""
    close_warehouses()
    with proxy(endpoint, fault) as address:
        try:
            return deliver(Place(api, address, place.dataset), folder, SECOND)
        except MixflowsError as err:
            return err
        finally:
            close_warehouses()


def held(place: Place) -> dict[str, list[str]]:
    return {table: sorted(str(row) for row in place.rows(table)) for table in TABLES}


@pytest.mark.timeout(900)
def test_a_day_is_as_it_was_or_as_it_is_delivered_wherever_that_is_cut_off(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, tmp_path: Path
) -> None:
    """From the nth request on the API refuses everything, as if the process had been killed there."""
    deliver(place, tmp_path, FIRST)
    before = held(place)
    sent: list[int] = []
    while held(place) == before:
        assert len(sent) < 30
        seen: list[Request] = []

        def fault(request: Request, nth: int = len(sent) + 1, seen: list[Request] = seen) -> Fault:
            if request.method != "GET" and "/jobs" in request.path:
                seen.append(request)
            return CUT_OFF if len(seen) >= nth else None

        through(bigquery_api, place, endpoint, fault, tmp_path)
        sent.append(len(seen))
        for table in place.client.list_tables(place.dataset):
            if table.table_id.startswith("stg_"):
                assert place.client.get_table(table.reference).expires is not None
                place.client.delete_table(table.reference)
    assert len(sent) > 8
    after = held(place)
    again = deliver(place, tmp_path, SECOND)
    assert (again.status, counts(again)) == ("unchanged", {"same": 3})
    assert held(place) == after
    ids = {row["mp_insert_id"]: row["gone_since"] is not None for row in place.rows("mp_master_event")}
    assert ids == {"same": False, "restated": False, "new": False, "gone": True}
    assert [row["raw_line"] for row in place.rows("mp_malformed_records")] == ["no event either"]
    assert len(place.rows("mp_landings")) == 2


def test_lost_answers_write_nothing_twice(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, tmp_path: Path
) -> None:
    deliver(place, tmp_path, FIRST)
    lost: set[str] = set()

    def lose(request: Request) -> Fault:
        if not request.job or request.job in lost:
            return None
        lost.add(request.job)
        return LOST

    ended = through(bigquery_api, place, endpoint, lose, tmp_path)
    assert isinstance(ended, Superseded)
    assert counts(ended) == {"same": 1, "restated": 1, "new": 1, "gone": 1}
    assert (len(place.rows("mp_master_event")), len(place.rows("mp_landings"))) == (4, 2)


def test_days_that_another_process_delivers_meanwhile_are_compared_anew(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, tmp_path: Path
) -> None:
    """Both have compared before either has written."""
    deliver(place, tmp_path, FIRST)
    raced: list[Superseded] = []

    def race(request: Request) -> Fault:
        if "BEGIN TRANSACTION" in request.query and not raced:
            settings = place.settings({})
            with closing(BigQueryWarehouse(settings)) as other:
                path = tmp_path / "other.jsonl"
                path.write_text("".join(f"{line}\n" for line in SECOND))
                content = inspect_file(path, settings.landing)
                delivery = Delivery(path, SLOT, DAY, DAY, "mixpanel")
                raced.append(other.supersede(content, delivery, landed_at=datetime.now(UTC)))
        return None

    ended = through(bigquery_api, place, endpoint, race, tmp_path)
    assert [superseded.status for superseded in raced] == ["landed"]
    assert isinstance(ended, Superseded)
    assert (ended.status, counts(ended)) == ("unchanged", {"same": 3})
    assert (len(place.rows("mp_master_event")), len(place.rows("mp_landings"))) == (4, 2)


@pytest.mark.parametrize(
    ("labels", "error", "sentence"),
    [({}, UsageError, "did not create"), ({"landed_by": "mixflows"}, SourceColumnsError, "gone_since")],
    ids=["another's table", "a column of the user's"],
)
def test_what_is_not_ours_stays_as_it_is(
    place: Place, tmp_path: Path, labels: dict[str, str], error: Any, sentence: str
) -> None:
    deliver(place, tmp_path, FIRST)
    close_warehouses()
    table = place.client.get_table(place.table("mp_master_event"))
    place.client.delete_table(table)
    fields = [field for field in table.schema if field.name != "gone_since"]
    other = bigquery.Table(table.reference, [*fields, bigquery.SchemaField("gone_since", "TIMESTAMP")])
    other.labels, other.time_partitioning = labels, table.time_partitioning
    place.client.create_table(other)
    with pytest.raises(error, match=sentence):
        deliver(place, tmp_path, SECOND)
    assert place.rows("mp_master_event") == []


def test_the_source_is_read_whole_only_where_copies_of_it_differ(place: Place, tmp_path: Path) -> None:
    def steps() -> Counter[str]:
        return Counter(job.labels["step"] for job in place.jobs())

    deliver(place, tmp_path, FIRST)
    assert deliver(place, tmp_path, FIRST[::-1]).status == "unchanged"
    assert counts(deliver(place, tmp_path, [*FIRST, line("late")])) == {"same": 3, "new": 1}
    assert (steps()["slot_touched"], steps()["slot_counts"], steps()["slot_rows"]) == (2, 1, 0)
    assert counts(deliver(place, tmp_path, [*SECOND, line("late")])) == {"same": 2, "restated": 1, "new": 1, "gone": 1}
    assert steps()["slot_rows"] == 1
