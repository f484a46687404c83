"""Landing through faults: whatever is refused, lost or cut off, a file is there once or not at all, and landing again ends it."""

import re
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mixflows.errors import AlreadyLandedError, MixflowsError
from mixflows.intake.content import inspect_file
from mixflows.intake.landing import Landing
from mixflows.warehouse import close_warehouses
from mixflows.warehouse.bigquery import staged_files
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.exports import LINES
from tests.bigquery_engine.faults import LOST, Answer, Fault, Request, proxy
from tests.bigquery_engine.place import Place


def land(place: Place, path: Path, *, again: bool = False) -> Landing:
    settings = place.settings({})
    content = inspect_file(path, settings.landing)
    return place.warehouse(settings).land(content, again=again, landed_at=datetime.now(UTC))


def counts(place: Place) -> dict[str, int]:
    names = ("mp_master_event", "mp_malformed_records", "mp_landings")
    return {name: len(place.rows(name)) if place.has_table(name) else 0 for name in names}


LANDED = {"mp_master_event": LINES, "mp_malformed_records": 1, "mp_landings": 1}
NOTHING = dict.fromkeys(LANDED, 0)


def short_lived(place: Place) -> list[Any]:
    return [table for table in place.client.list_tables(place.dataset) if table.table_id.startswith("stg_")]


class CutOff:
    """Refuses every request that writes or asks for a job, from the nth on."""

    def __init__(self, nth: int) -> None:
        self._nth = nth
        self.seen: list[str] = []

    def __call__(self, request: Request) -> Fault:
        if request.method == "GET":
            return None
        self.seen.append(f"{request.method} {request.path} {request.query[:40]}")
        return Answer(403, "accessDenied", "Access Denied: cut off") if len(self.seen) >= self._nth else None


def through(api: BigQueryApi, place: Place, endpoint: str, fault: CutOff, path: Path) -> MixflowsError | None:
    """Lands with faults on the way to the server, as a process of its own."""
    close_warehouses()
    with proxy(endpoint, fault) as address:
        try:
            land(Place(api, address, place.dataset), path)
        except MixflowsError as err:
            return err
        finally:
            close_warehouses()
    return None


@pytest.mark.timeout(900)
def test_a_file_is_there_once_or_not_at_all_wherever_landing_is_cut_off(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, path: Path
) -> None:
    """From the nth request on the API refuses everything, as if the process had been killed there; then it is landed again."""
    place.warehouse(place.settings({})).create_tables()
    ended: list[bool] = []
    for nth in range(1, 30):
        fault = CutOff(nth)
        refusal = through(bigquery_api, place, endpoint, fault, path)
        assert not isinstance(refusal, AlreadyLandedError)
        assert counts(place) in (NOTHING, LANDED), fault.seen
        for table in short_lived(place):
            assert place.client.get_table(table.reference).expires is not None
            place.client.delete_table(table.reference)
        ended.append(counts(place) == LANDED)
        if ended[-1]:
            with pytest.raises(AlreadyLandedError):
                land(place, path)
            close_warehouses()
            for name in LANDED:
                place.sql(f"DELETE FROM `{place.table(name)}` WHERE TRUE")
        if refusal is None:
            break
    assert ended == sorted(ended)
    assert ended[0] is False
    assert ended[-1] is True


def test_lost_answers_load_nothing_twice(bigquery_api: BigQueryApi, place: Place, endpoint: str, path: Path) -> None:
    """The answer to each request that writes is lost once."""
    lost: set[tuple[str, ...]] = set()

    def decide(request: Request) -> Fault:
        what = (request.method, request.job or re.sub(r"upload_id=.*", "", request.path))
        if request.method == "GET" or "/datasets" in request.path or what in lost:
            return None
        lost.add(what)
        return LOST

    with proxy(endpoint, decide) as address:
        land(Place(bigquery_api, address, place.dataset), path)
        close_warehouses()
    assert counts(place) == LANDED
    assert {method for method, _ in lost} == {"POST", "PUT"}


def test_large_files_are_loaded_in_parts(place: Place, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_files, "FILE_BYTES", 200)
    land(place, path)
    assert counts(place) == LANDED
    assert Counter(row["mp_insert_id"] for row in place.rows("mp_master_event")) == Counter(
        f"i{n}" for n in range(LINES)
    )
    loads = [
        job
        for job in place.client.list_jobs()
        if job.job_type == "load" and place.dataset == job.destination.dataset_id
    ]
    assert len(loads) > 3
    assert len({job.job_id for job in loads}) == len(loads)
    assert all(job.labels["app"] == "mixflows" and job.labels["flow"] == "land" for job in loads)


def test_content_that_another_process_lands_meanwhile_is_refused(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, path: Path
) -> None:
    """Both have found nothing in the log before either has written."""
    raced: list[Landing] = []

    def race(request: Request) -> Fault:
        if "BEGIN TRANSACTION" in request.query and not raced:
            settings = place.settings({})
            with closing(BigQueryWarehouse(settings)) as other:
                content = inspect_file(path, settings.landing)
                raced.append(other.land(content, again=False, landed_at=datetime.now(UTC)))
        return None

    with proxy(endpoint, race) as address:
        with pytest.raises(AlreadyLandedError):
            land(Place(bigquery_api, address, place.dataset), path)
        close_warehouses()
    assert raced
    assert counts(place) == LANDED
