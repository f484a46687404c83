"""Objects of a bucket are there while they are needed, whatever their size, and a name that is written again is overwritten."""

from pathlib import Path

import pytest

from harness.bigquery.storage import HOST_VARIABLE, serving_storage
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.bucket import opened_bucket

OVER_ONE_REQUEST = 9 * 2**20
"""The client sends an object of more than 8 MiB in a request for its address and others for its content."""


def test_objects_are_there_while_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = BigQuerySettings(project="tests", api_endpoint="http://127.0.0.1:1")
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(b"\x1f\x8b" * (OVER_ONE_REQUEST // 2))
    small.write_bytes(b"\x1f\x8b")
    with serving_storage(tmp_path / "stored", "ours") as storage:
        monkeypatch.setenv(HOST_VARIABLE, storage.url)
        kept = tmp_path / "stored" / "ours" / "a folder" / "rows-0.json.gz"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(b"from a landing that was killed")
        with opened_bucket(settings, "gs://ours/a folder") as bucket:
            storage.outages = 1
            with bucket.holding("rows", [large, small]) as objects:
                assert objects == [f"gs://ours/a folder/rows-{n}.json.gz" for n in range(2)]
                assert kept.read_bytes() == large.read_bytes()
            assert storage.objects("ours") == []
            with pytest.raises(KeyboardInterrupt), bucket.holding("rows", [small]):
                raise KeyboardInterrupt
            assert storage.objects("ours") == []
            with bucket.holding("rows", []) as objects:
                assert objects == []
