"""Downloads are complete files or none, whatever the server does."""

from datetime import timedelta
from pathlib import Path

import pytest

from mixflows.errors import FetchError, OutputError, SettingsError
from mixflows.intake.content import inspect_file
from mixflows.mixpanel.client import ExportClient
from mixflows.mixpanel.download import Download, Downloader, FailedDownload
from mixflows.settings import Settings
from tests.fetch.clocks import SteppedClock
from tests.fetch.conftest import EVENTS, FIRST_DAY, SECRET
from tests.support.export_api import ExportApi, Fault, Kind

WEEK = FIRST_DAY + timedelta(days=6)
PASSING: tuple[Kind, ...] = (
    "status", "reset", "reset_in_body", "cut_gzip", "drip", "terminated_early", "terminated_glued",
)  # fmt: skip


def files(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.fetch.folder / "files").iterdir())


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_leaves_one_complete_file(
    kind: Kind, api: ExportApi, downloader: Downloader, settings: Settings
) -> None:
    api.faults.append(Fault(kind))
    (download,) = downloader.downloads(FIRST_DAY, WEEK)
    assert isinstance(download, Download)
    assert download.lines == inspect_file(download.file).lines == 7 * EVENTS
    assert len(api.requests) == 2
    assert files(settings) == [download.file.name]


@pytest.mark.parametrize("kind", ["status", "reset", "cut_gzip"])
def test_a_fault_that_stays_fails_after_five_tries_with_growing_pauses(
    kind: Kind, api: ExportApi, downloader: Downloader, settings: Settings, clock: SteppedClock
) -> None:
    api.faults.append(Fault(kind, times=None))
    (download,) = downloader.downloads(FIRST_DAY, FIRST_DAY)
    assert isinstance(download, FailedDownload)
    assert download.error.endswith(", 5 times")
    assert len(api.requests) == 5
    pauses = [seconds for seconds in clock.waits if seconds >= 1]
    assert len(pauses) == 4
    assert all(floor <= pause <= floor + 5 for floor, pause in zip((5, 10, 20, 40), pauses, strict=True))
    assert files(settings) == []


def test_a_small_body_that_lacks_its_last_byte_is_tried_again(api: ExportApi, downloader: Downloader) -> None:
    api.put(FIRST_DAY, api.days[FIRST_DAY][:2])
    api.faults.append(Fault("cut_plain"))
    (download,) = downloader.downloads(FIRST_DAY, FIRST_DAY)
    assert isinstance(download, Download)
    assert (download.lines, len(api.requests)) == (2, 2)


def test_a_range_that_is_terminated_twice_is_halved_down_to_the_bad_day(api: ExportApi, downloader: Downloader) -> None:
    bad = FIRST_DAY + timedelta(days=2)
    api.faults.append(Fault("terminated_early", times=None, day=bad))
    downloads = list(downloader.downloads(FIRST_DAY, WEEK))
    (failed,) = (download for download in downloads if isinstance(download, FailedDownload))
    assert (failed.first_day, failed.last_day) == (bad, bad)
    complete = [download for download in downloads if isinstance(download, Download)]
    assert sum(download.lines for download in complete) == 6 * EVENTS
    asked = [(request.first_day, request.last_day) for request in api.requests]
    assert asked[:3] == [(FIRST_DAY, WEEK), (FIRST_DAY, WEEK), (FIRST_DAY, FIRST_DAY + timedelta(days=3))]


@pytest.mark.parametrize(("kind", "lines"), [("empty", 0), ("gzip_of_nothing", 0), ("split_record", EVENTS + 1)])
def test_odd_but_complete_bodies_are_complete(kind: Kind, lines: int, api: ExportApi, downloader: Downloader) -> None:
    api.faults.append(Fault(kind))
    (download,) = downloader.downloads(FIRST_DAY, FIRST_DAY)
    assert isinstance(download, Download)
    assert (download.lines, len(api.requests)) == (lines, 1)


def test_a_day_that_is_not_found_has_no_events(api: ExportApi, downloader: Downloader) -> None:
    api.faults.append(Fault("status", status=404, error="no events"))
    (download,) = downloader.downloads(FIRST_DAY, FIRST_DAY)
    assert isinstance(download, Download)
    assert download.lines == 0


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        (Fault("status", status=401, error="Invalid credentials"), SettingsError, "does not accept the credentials"),
        (Fault("status", status=400, error="Unable to authenticate request"), SettingsError, "not accept the credentials"),
        (Fault("status", status=403, error="no member"), SettingsError, "may not export project 1234567"),
        (Fault("status", status=402, error="plan"), FetchError, "the plan of project 1234567 has no raw exports"),
        (Fault("status", status=400, error="to_date cannot be later than today"), SettingsError, "is not there yet"),
        (Fault("status", status=400, error=f"no {SECRET} here"), FetchError, "with status 400: no *** here"),
        (Fault("page"), FetchError, "is an HTML page"),
    ],
)  # fmt: skip
def test_what_asking_again_cannot_help_is_one_sentence_after_one_query(
    fault: Fault, error: type[Exception], sentence: str, api: ExportApi, downloader: Downloader, settings: Settings
) -> None:
    api.faults.append(fault)
    with pytest.raises(error) as refused:
        list(downloader.downloads(FIRST_DAY, FIRST_DAY))
    assert sentence in str(refused.value)
    assert SECRET not in str(refused.value)
    assert len(api.requests) == 1
    assert files(settings) == []


def test_a_page_that_does_not_say_so_in_its_headers_is_one_too(
    api: ExportApi, downloader: Downloader, settings: Settings
) -> None:
    api.put(FIRST_DAY, [b"<!DOCTYPE html>", b"<html>Sign in</html>"])
    api.shuffles = False
    with pytest.raises(FetchError, match="is an HTML page"):
        list(downloader.downloads(FIRST_DAY, FIRST_DAY))
    assert files(settings) == []


def test_a_full_disk_is_one_sentence(api: ExportApi, client: ExportClient) -> None:
    assert api.days
    with pytest.raises(OutputError, match="No space left on device"):
        client.export(FIRST_DAY, FIRST_DAY, Path("/dev/full"))


def test_parts_that_a_killed_process_left_are_swept_away(client: ExportClient, settings: Settings) -> None:
    folder = settings.fetch.folder / "files"
    folder.mkdir(parents=True)
    (folder / f"{FIRST_DAY}.part").write_bytes(b"half a li")
    Downloader(client, folder, settings.landing, SteppedClock())
    assert files(settings) == []


def test_a_project_secret_is_sent_without_project_id(settings: Settings, api: ExportApi, clock: SteppedClock) -> None:
    from mixflows.mixpanel.limiter import Limiter
    from mixflows.mixpanel.memory import Memory

    alone = settings.model_copy(update={"mixpanel": settings.mixpanel.model_copy(update={"service_account": None})})
    client = ExportClient(alone, Limiter(Memory(settings.fetch.folder, 1), 55, clock), clock)
    client.export(FIRST_DAY, FIRST_DAY, settings.fetch.folder / "file")
    client.close()
    (request,) = api.requests
    assert request.status == 200
    assert "project_id" not in request.target
