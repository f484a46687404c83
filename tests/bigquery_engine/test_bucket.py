"""Files that are loaded through a bucket: the tables are the same, and nothing stays in the bucket, however landing ends."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage as cloud_storage

from harness.bigquery.storage import RIGHTS, Storage
from mixflows.errors import WarehouseError
from mixflows.intake.content import inspect_file
from mixflows.warehouse import close_warehouses, diagnose
from mixflows.warehouse.bigquery import staged_files
from mixflows.warehouse.checks import CheckState
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.exports import LINES
from tests.bigquery_engine.faults import Answer, Fault, Request, proxy
from tests.bigquery_engine.place import Place


def land(place: Place, path: Path, bucket: str, *, again: bool = False) -> None:
    settings = place.settings({"landing": {"bucket": f"gs://{bucket}/"}})
    content = inspect_file(path, settings.landing)
    place.warehouse(settings).land(content, again=again, landed_at=datetime.now(UTC))


def landed(place: Place) -> Counter[str]:
    return Counter(row["mp_insert_id"] for row in place.rows("mp_master_event"))


def loads(place: Place) -> list[Any]:
    return [
        job
        for job in place.client.list_jobs()
        if job.job_type == "load" and job.destination.dataset_id == place.dataset
    ]


def test_each_table_is_loaded_by_one_job_and_the_objects_are_gone_then(
    bigquery_api: BigQueryApi, place: Place, bucket: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_files, "FILE_BYTES", 200)
    folder = f"{bucket}/tests/{place.dataset}"
    land(place, path, folder)
    assert landed(place) == Counter(f"i{n}" for n in range(LINES))
    assert [row["raw_line"] for row in place.rows("mp_malformed_records")] == ["no json"]
    assert sorted(len(job.source_uris) > 3 for job in loads(place)) == [False, True]
    assert all(uri.startswith(f"gs://{folder}/stg_mp_") for job in loads(place) for uri in job.source_uris)
    if bigquery_api.objects is None:
        assert list(cloud_storage.Client(place.project).list_blobs(bucket, prefix=f"tests/{place.dataset}")) == []
    else:
        assert not [file for file in bigquery_api.objects.rglob("*") if file.is_file()]


def test_two_landings_of_the_same_content_share_no_object_and_outages_are_waited_for(
    place: Place, storage: Storage, path: Path
) -> None:
    land(place, path, "ours")
    storage.outages = 2
    land(place, path, "ours", again=True)
    assert landed(place) == Counter({f"i{n}": 2 for n in range(LINES)})
    assert len(set(storage.written)) == len(storage.written) == 4
    assert storage.objects("ours") == []


@pytest.mark.parametrize(
    ("bucket", "rights", "refuses", "sentence", "left"),
    [
        ("nowhere", RIGHTS, False, "bucket nowhere of landing.bucket is not there", 0),
        ("ours", (), False, "may not write gs://ours, which landing.bucket names", 0),
        ("ours", ("storage.objects.create", "storage.objects.get"), False, "may not delete gs://ours", 1),
        ("ours", RIGHTS, True, "access denied: storage.objects.get", 0),
    ],
    ids=["no such bucket", "no right to write", "no right to delete", "BigQuery may not read"],
)
def test_what_the_bucket_refuses_is_one_sentence_and_nothing_is_landed(
    bigquery_api: BigQueryApi,
    place: Place,
    endpoint: str,
    storage: Storage,
    path: Path,
    bucket: str,
    rights: tuple[str, ...],
    refuses: bool,
    sentence: str,
    left: int,
) -> None:
    storage.rights["ours"] = rights
    denied = "Access Denied: File gs://ours/x: account does not have storage.objects.get access"

    def fault(request: Request) -> Fault:
        return Answer(403, "accessDenied", denied) if refuses and "_load_" in request.job else None

    with proxy(endpoint, fault) as address:
        with pytest.raises(WarehouseError, match=sentence) as refused:
            land(Place(bigquery_api, address, place.dataset), path, bucket)
        close_warehouses()
    assert refused.value.exit_code == 1
    assert refused.value.hint
    assert len(storage.objects("ours")) == left
    assert not place.has_table("mp_master_event")
    assert place.rows("mp_landings") == []
    storage.rights["ours"] = RIGHTS
    land(place, path, "ours")
    assert sum(landed(place).values()) == LINES


def test_the_doctor_names_the_bucket_and_the_rights_that_are_missing(place: Place, storage: Storage) -> None:
    storage.rights["half"] = ("storage.objects.create",)
    found = {
        place_of: next(
            check
            for check in diagnose(place.settings({"landing": {"bucket": f"gs://{place_of}"}}))
            if check.name == "landing bucket"
        )
        for place_of in ("ours", "half", "nowhere")
    }
    assert [check.state for check in found.values()] == [CheckState.OK, CheckState.FAILED, CheckState.FAILED]
    assert "gs://ours" in found["ours"].finding
    assert found["half"].finding == "gs://half: storage.objects.delete, storage.objects.get missing"
    assert "bucket nowhere of landing.bucket is not there" in found["nowhere"].finding
    assert all(check.advice for check in list(found.values())[1:])
    assert "landing bucket" not in {check.name for check in diagnose(place.settings({}))}
