"""Relative paths start from the settings file's folder where they are written there, else from the working folder."""

import json
from pathlib import Path

import pytest

from deployments.project import describe
from mixflows.settings import load_settings
from tests.support.command_line import Installation, export

SUITE = """\
import great_expectations as gx
def figures(thresholds):
    return gx.ExpectationSuite(name="mine")
"""


@pytest.fixture
def elsewhere(empty: Installation) -> Installation:
    """A folder beside that of the settings, which holds an installation."""
    (empty.folder / "home").mkdir()
    (empty.folder / "work").mkdir()
    empty.write("home/mixflows.toml", "[report]\npath = 'out/report.html'\n[bigquery]\nkey_file = 'key.json'\n")
    empty.write("work/export.jsonl", export(days=2, rows=4))
    return Installation(empty.folder / "work")


def test_a_settings_file_brings_its_folder_with_it(elsewhere: Installation) -> None:
    home = elsewhere.folder.parent / "home"
    named = ("--config", "../home/mixflows.toml")
    elsewhere.run("land", "export.jsonl", *named)
    elsewhere.run("run", "--no-prefect", *named)
    assert sorted(path.name for path in home.iterdir()) == ["mixflows.duckdb", "mixflows.toml", "out"]
    assert (home / "out" / "report.html").is_file()
    assert [path.name for path in elsewhere.folder.iterdir()] == ["export.jsonl"]
    assert len(elsewhere.run("status", "--json", env={"MIXFLOWS_CONFIG": "../home/mixflows.toml"}).json["days"]) == 2


def test_paths_of_the_file_start_from_it_and_all_others_from_the_working_folder(
    elsewhere: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere.folder)
    file = Path("../home/mixflows.toml")
    settings = load_settings(file)
    assert settings.warehouse.path == Path("../home/mixflows.duckdb")
    assert settings.report.path == Path("../home/out/report.html")
    assert settings.bigquery.key_file == Path("../home/key.json")
    assert load_settings(file, {"report": {"path": "mine.html"}}).report.path == Path("mine.html")
    assert load_settings(file, {"warehouse": {"threads": 1}}).warehouse.path == Path("../home/mixflows.duckdb")
    monkeypatch.setenv("MIXFLOWS_WAREHOUSE__PATH", "mine.duckdb")
    assert load_settings(file).warehouse.path == Path("mine.duckdb")
    file.write_text("[report]\npath = 'none'\n[bigquery]\nkey_file = '/keys/key.json'\n")
    assert load_settings(file).report.path is None
    assert load_settings(file).bigquery.key_file == Path("/keys/key.json")


def test_suites_of_ones_own_lie_beside_the_settings_file(elsewhere: Installation) -> None:
    home = Installation(elsewhere.folder.parent / "home")
    home.write("suites_at_home.py", SUITE)
    home.write("mixflows.toml", "[quality]\nfigures_suites = ['suites_at_home:figures']\n")
    elsewhere.run("expectations", "export", "--config", "../home/mixflows.toml")
    exported = elsewhere.folder / "expectation-suites" / "suites_at_home.figures.json"
    assert json.loads(exported.read_text())["name"] == "mine"


def test_the_environment_names_the_settings_file_where_no_flag_does(backfilled: Installation) -> None:
    backfilled.write("other.toml", "tables.events = 'elsewhere'\n")
    backfilled.write("third.toml", "tables.events = 'third'\n")
    named = {"MIXFLOWS_CONFIG": "other.toml"}
    backfilled.run("init", env=named)
    assert backfilled.rows("SELECT count(*) FROM elsewhere") == [(0,)]
    backfilled.run("init", "--config", "third.toml", env=named)
    assert backfilled.rows("SELECT count(*) FROM third") == [(0,)]
    assert backfilled.run("status", "--json", env={"MIXFLOWS_CONFIG": ""}).json["days"]


@pytest.mark.parametrize("name", ["absent.toml", "folder", "mixflows.toml"])
@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_named_file_that_cannot_be_read_is_exit_code_2(name: str, by: str, empty: Installation) -> None:
    (empty.folder / "folder").mkdir()
    env, flags = ({"MIXFLOWS_CONFIG": name}, []) if by == "environment" else ({}, ["--config", name])
    for command in ("status", "init"):
        ended = empty.run(command, *flags, env=env, code=2)
        assert name in ended.err
        assert ("MIXFLOWS_CONFIG" if by == "environment" else "--config") in ended.err
    assert [path.name for path in empty.folder.iterdir()] == ["folder"]


def test_a_settings_file_in_another_encoding_is_exit_code_2(empty: Installation) -> None:
    (empty.folder / "mixflows.toml").write_bytes("project_timezone = 'Zürich'".encode("latin-1"))
    assert "mixflows.toml" in empty.run("status", code=2).err


def test_a_deployment_reads_the_file_that_the_environment_names(
    elsewhere: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere.folder.parent / "home" / "mixflows.toml").write_text("project_timezone = 'Asia/Tokyo'\n")
    monkeypatch.chdir(elsewhere.folder)
    monkeypatch.setenv("MIXFLOWS_CONFIG", "../home/mixflows.toml")
    assert describe()["time_zone"] == "Asia/Tokyo"
