"""A process that lands is killed with SIGKILL on its way: what it leaves expires, and landing again ends as if nothing had happened."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import Answer, Fault, Request, proxy
from tests.bigquery_engine.place import Place
from tests.spec.engines import Row
from tests.support.command_line import Installation, export

CUT_OFF = Answer(403, "accessDenied", "cut off")
TABLES = ("mp_master_event", "mp_malformed_records", "mp_landings")
OF_THE_LANDING = ("loaded_at", "landed_at")
FIRST, SECOND = export(1, 40), "".join(export(1, 60).splitlines(keepends=True)[20:]) + "no event\n"
DAY = ("--whole-days", "2024-01-01", "--accept-shrink", "2024-01-01")


def sends_rows(request: Request) -> bool:
    return "/upload/" in request.path


def commits(request: Request) -> bool:
    return "BEGIN TRANSACTION" in request.query


def compares(request: Request) -> bool:
    return "stg_mp_slot_rows" in request.query


def drops_staged_rows(request: Request) -> bool:
    return request.method == "DELETE" and "stg_mp_landed" in request.path


def installation(place: Place, folder: Path, endpoint: str) -> Installation:
    own = place.settings({"bigquery": {"api_endpoint": endpoint}}).bigquery
    held = own.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    lines = [
        '[warehouse]\nengine = "bigquery"\n[bigquery]',
        *(f"{name} = {json.dumps(value)}" for name, value in held.items()),
    ]
    made = Installation(folder)
    made.write("mixflows.toml", "\n".join(lines))
    return made


def held(place: Place) -> dict[str, list[str]]:
    """The rows of our tables as text, without when they were landed; of copies that are gone, that they are."""

    def text(row: Row) -> str:
        kept = {name: value for name, value in row.items() if name not in OF_THE_LANDING}
        return str(kept | {"gone_since": row.get("gone_since") is not None})

    return {table: sorted(map(text, place.rows(table))) for table in TABLES if place.has_table(table)}


def killed(
    place: Place, folder: Path, endpoint: str, words: tuple[str, ...], at: Callable[[Request], bool], temp: Path
) -> None:
    """Runs a command as a process of its own, which is killed when it sends the request."""
    reached, dead = threading.Event(), threading.Event()

    def fault(request: Request) -> Fault:
        if not reached.is_set() and at(request):
            reached.set()
            dead.wait(60)
        return CUT_OFF if reached.is_set() else None

    with proxy(endpoint, fault) as address:
        running = installation(place, folder, address).start(*words, env={"TMPDIR": str(temp)})
        assert reached.wait(120), running.communicate(timeout=60)
        running.kill()
        running.communicate()
        dead.set()


def lasting(place: Place) -> set[str]:
    """Tables that do not expire."""
    found = [place.client.get_table(table.reference) for table in place.client.list_tables(place.dataset)]
    return {table.table_id for table in found if table.expires is None}


@pytest.mark.timeout(900)
def test_what_a_killed_landing_leaves_expires_and_landing_again_ends_alike(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp = tmp_path / "temporary"
    temp.mkdir()
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setattr("tempfile.tempdir", None)
    reference = Place(bigquery_api)
    ends: list[dict[str, list[str]]] = []
    for number, words in enumerate((("land", "export0.jsonl"), ("land", "export1.jsonl", *DAY))):
        (tmp_path / f"export{number}.jsonl").write_text((FIRST, SECOND)[number])
        installation(reference, tmp_path, endpoint).run(*words)
        ends.append(held(reference))
    ours = lasting(reference)

    before: dict[str, list[str]] = {}
    for number, (words, steps) in enumerate(
        (
            (("land", "export0.jsonl"), (sends_rows, commits)),
            (("land", "export1.jsonl", *DAY), (compares, drops_staged_rows)),
        )
    ):
        for at in steps:
            killed(place, tmp_path, endpoint, words, at, temp)
            assert len(list(temp.glob("mixflows-landing-*"))) == 1
            assert lasting(place) <= ours
            expected = ends[number] if at is drops_staged_rows else before
            assert {table: rows for table, rows in held(place).items() if rows or table in expected} == expected
        ended = installation(place, tmp_path, endpoint).run(*words)
        assert re.search("landed before" if steps[-1] is drops_staged_rows else "40 source rows", ended.out)
        before = held(place)
        assert before == ends[number]
        assert list(temp.glob("mixflows-landing-*")) == []
    close_warehouses()
    reference.close()
