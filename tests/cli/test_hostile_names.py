"""Names in data and paths that look like markup or control a terminal: every command shows them as text."""

import json
import os
from pathlib import Path
from unittest import mock

import pytest
from prefect.settings import Settings

from deployments.prefect_server import prepare_prefect
from tests.report.html_page import Page
from tests.support.command_line import NEW_YEAR_2024, Ended, Installation, export
from tests.support.hostile import LONG, NAMES, file_name

pytestmark = pytest.mark.xdist_group("hostile names")

DAYS = 9
LAST_DAY = "2024-01-09"
ROWS = 21
SETTINGS = """
[quality]
min_rows = 10
shown_properties = ["plan", "mp_lib"]
[quality.vanished_events]
warning = 0
critical = 0
[landing.promote]
mp_lib = "STRING"
"""


def shows_text_only(ended: Ended) -> Ended:
    """No control character, no escape sequence, nothing that turns the direction of writing, in any line."""
    for line in (ended.out + ended.err).split("\n"):
        assert line.isprintable(), ascii(line)
    return ended


def events(day: int) -> list[str]:
    """A day of each name; the last day has other names instead of some of them, and copies of other content."""
    lines: list[str] = []
    names = [("new " if day == DAYS - 1 and i % 2 else "") + name for i, name in enumerate(NAMES)]
    for i, name in enumerate(names):
        for n in range(ROWS):
            time = NEW_YEAR_2024 + day * 86_400 + i * 1000 + n
            properties = {
                "time": time, "distinct_id": name, "$insert_id": f"{name}/{day}-{n}", "mp_lib": name, "plan": name, name: n,
                "mp_processing_time_ms": time * 1000,
            }  # fmt: skip
            lines.append(json.dumps({"event": name, "properties": properties}))
        if day == DAYS - 1:
            properties |= {name: "other", "plan": name + "!", "mp_processing_time_ms": 1 + properties["time"] * 1000}
            lines.append(json.dumps({"event": name, "properties": properties}))
    return lines


@pytest.fixture(scope="module")
def hostile_once(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = Installation(tmp_path_factory.mktemp("hostile"))
    place.write("mixflows.toml", SETTINGS)
    folder = place.folder / "exports"
    folder.mkdir()
    for i, name in enumerate(NAMES[:DAYS]):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + file_name(name))).write_text("\n".join(events(i)) + "\nno json\n")
    shown = shows_text_only(place.run("land", "exports"))
    assert "[bold]sale[÷bold]" in shown.out
    assert shown.out.count("\n") == DAYS
    shows_text_only(place.run("run", "--no-prefect", code=3))
    return place


@pytest.fixture
def hostile(hostile_once: Installation, tmp_path: Path) -> Installation:
    """Nine days of hostile names; the last one is blocked, as some of them vanished."""
    return hostile_once.copied_to(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        "land exports", "plan --mode all", "plan --mode all --price", "status", "status --json", "doctor", "init",
        "report --format json", "report --format markdown", "report --format html", "expectations list",
        "expectations explain vanished_events", "expectations try", "expectations suggest",
        "expectations export", "expectations export --out -",
        "expectations try --day " + LAST_DAY, "inspect 2024-01-02", "plan --json --mode all",
    ],
)  # fmt: skip
def test_a_command_shows_names_as_text(words: str, hostile: Installation) -> None:
    shows_text_only(hostile.run(*words.split()))


def test_runs_and_backfills_do_too(hostile: Installation) -> None:
    shown = shows_text_only(hostile.run("backfill", "--mode", "blocked", "--no-prefect", code=3))
    assert LONG not in shown.out
    shows_text_only(hostile.run("run", "--no-prefect", "--json", code=3))


def test_an_inspection_shows_names_short_and_whole_lines(hostile: Installation) -> None:
    shown = shows_text_only(hostile.run("inspect", LAST_DAY)).out
    assert "new [bold]sale[/bold]" in shown
    assert "[/vip], insert id [/vip]/8-20" in shown
    assert "bell\\x07 nel\\x85" in shown
    assert LONG[:100] not in shown
    assert max(map(len, shown.splitlines())) < 1000
    shows_text_only(hostile.run("inspect", LAST_DAY, "--json"))


def test_a_release_keeps_its_reason_as_text(hostile: Installation) -> None:
    reason = "\x1b[31m[/vip]\u202e| <script>"
    shown = shows_text_only(hostile.run("release", LAST_DAY, "--because", reason)).out
    assert "\\x1b[31m[/vip]\\u202e| <script>" in shown


@pytest.mark.parametrize("name", NAMES)
def test_an_event_is_explained_whatever_its_name(name: str, hostile: Installation) -> None:
    for insert_id in (f"{name}/1-20", f"{'new ' if NAMES.index(name) % 2 else ''}{name}/8-20"):
        shown = shows_text_only(hostile.run("explain", "--insert-id", insert_id))
        assert "cop" in shown.out
        assert LONG not in "".join(shown.out.split())
    shows_text_only(hostile.run("explain", "--insert-id", f"{name}?", code=1))


def test_reports_hold_no_markup_of_the_names(hostile: Installation) -> None:
    hostile.run("report", "--format", "markdown", "--out", "report.md")
    told = (hostile.folder / "report.md").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in told.split("\n"))
    assert "<script>" not in told
    hostile.run("report", "--out", "report.html")
    page = (hostile.folder / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert not {"\x1b", "\u202e", "\x07", "\x85"} & set(page)
    assert "[bold]sale[/bold]" in Page(page).text


def test_suites_are_exported_into_a_folder_of_any_name(hostile: Installation) -> None:
    shown = shows_text_only(hostile.run("expectations", "export", "--out", "[/vip]\x1b[31m\n\u202e"))
    assert "[/vip]\\x1b[31m\\n\\u202e" in shown.out
    assert list((hostile.folder / "[" / "vip]\x1b[31m\n\u202e").glob("*.json"))


def test_a_refused_file_is_named_as_text(hostile: Installation) -> None:
    bad = Path(os.fsdecode(os.fsencode(hostile.folder) + b"/\x1b[31m[vip]\n\xff.jsonl"))
    bad.write_text("[1]")
    ended = shows_text_only(hostile.run("land", str(bad), code=1))
    assert "\\x1b[31m[" in ended.err
    shows_text_only(hostile.run("land", "no\x1b[31m\u202efile", code=2))


def test_a_file_is_landed_whatever_its_name_is_to_the_engine(empty: Installation) -> None:
    names = [
        b"[red].jsonl",
        b"*.jsonl",
        b"?.jsonl",
        b"~.jsonl",
        b"s3:x.jsonl",
        b"-rf.jsonl",
        b"x" * 249 + b".jsonl",
        b"\xff.jsonl",
    ]
    for n, name in enumerate(names):
        (empty.folder / os.fsdecode(name)).write_text(export(1, n + 1))
    (empty.folder / "terminated\n[.jsonl").write_text(export(1, 1) + "terminated early\n")
    ended = shows_text_only(empty.run("land", ".", code=1))
    assert ended.out.count("source row") == len(names), ended.err
    assert ended.err.startswith("error: terminated\\n[.jsonl ")
    again = shows_text_only(empty.run("land", *("./" + os.fsdecode(name) for name in names)))
    assert f"{len(names)} files landed before" in again.out


@pytest.mark.parametrize("mark", ["a.b.", "\"'`\\$ ."])
def test_our_tables_may_have_any_name(mark: str, empty: Installation) -> None:
    tables = {role: f"my{mark}{role}" for role in ("source", "events", "rejected", "malformed", "ledger", "landings")}
    lines = [f"{role} = {json.dumps(name)}\n" for role, name in tables.items()]
    empty.write("mixflows.toml", f'[warehouse]\npath = "my.file.duckdb"\n[tables]\n{"".join(lines)}')
    empty.write("export.jsonl", export(2, 30, twice={0: 1}))
    empty.write("again.jsonl", export(1, 29))
    empty.run("land", "export.jsonl")
    empty.run("run", "--no-prefect", "--as-of", "2024-01-02")
    landed = empty.run("land", "again.jsonl", "--whole-days", "2024-01-01")
    assert "29 unchanged" in landed.out
    empty.run("run", "--no-prefect", "--as-of", "2024-01-02")
    assert "59 rows delivered + 2 retained = 60 kept + 1 rejected." in empty.run("status").out
    empty.run("explain", "--insert-id", "0-7")
    empty.run("report")


def test_settings_whose_name_prefect_cannot_store_are_refused_before_its_server_starts(empty: Installation) -> None:
    (empty.folder / "export.jsonl").write_text(export(1, 20))
    named = ("--config", str(empty.folder / "\udcff.toml"))
    Path(named[1]).write_text("[quality]\nmin_rows = 10\n")
    empty.run("land", "export.jsonl", *named)
    for words in (("run",), ("backfill", "--set", "report.path=r.html")):
        refused = shows_text_only(empty.run(*words, *named, code=2))
        assert "\\xff.toml has bytes in it that are not UTF-8" in refused.err
        assert "Starting a Prefect server" not in refused.err
    empty.run("run", "--no-prefect", *named)


def test_a_users_markup_in_prefects_log_is_not_for_our_names() -> None:
    with mock.patch.dict(os.environ, {"PREFECT_LOGGING_MARKUP": "true"}):
        assert Settings().logging.markup
        prepare_prefect(verbose=True)
        assert not Settings().logging.markup
