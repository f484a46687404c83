"""Settings come from the file, the environment and flags, each over the one before; a wrong one is exit code 2."""

from collections.abc import Mapping

import pytest

from tests.support.command_line import Installation


def keep_that_rules(place: Installation, *flags: str, env: Mapping[str, str] | None = None) -> str:
    """Which `keep` a command sees: days published under `first` are refused under `latest`."""
    code = place.run("plan", "--accept-rules", *flags, "--json", env=env).json["days"]
    return "latest" if code else "first"


def test_environment_wins_over_the_file_and_flags_over_both(backfilled: Installation) -> None:
    latest, first = {"MIXFLOWS_PIPELINE__KEEP": "latest"}, {"MIXFLOWS_PIPELINE__KEEP": "first"}
    assert keep_that_rules(backfilled) == "first"
    assert keep_that_rules(backfilled, env=latest) == "latest"
    backfilled.write("other.toml", "[quality]\nmin_rows = 10\n[pipeline]\nkeep = 'latest'\n")
    assert keep_that_rules(backfilled, "--config", "other.toml") == "latest"
    assert keep_that_rules(backfilled, "--config", "other.toml", env=first) == "first"
    assert keep_that_rules(backfilled, "--config", "other.toml", "--set", "pipeline.keep=latest", env=first) == "latest"


def test_an_environment_variable_sets_one_value_and_leaves_its_neighbours(backfilled: Installation) -> None:
    env = {"MIXFLOWS_WAREHOUSE__PATH": "elsewhere.duckdb"}
    assert "elsewhere.duckdb" in backfilled.run("init", env=env).out
    assert (backfilled.folder / "elsewhere.duckdb").exists()


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run", "--frobnicate"], "No such option: --frobnicate"),
        (["run", "--as-of", "yesterday"], "'yesterday' is not a day"),
        (["run", "--as-of", "2024-02-30"], "'2024-02-30' is not a day"),
        (["plan", "--start", "20240101x"], "'20240101x' is not a day"),
        (["backfill", "--start", "2024-01-05", "--end", "2024-01-01"], "ends on 2024-01-01, before it starts"),
        (["backfill", "--mode", "some"], "'some' is no mode"),
        (["backfill", "--concurrency", "0"], "backfill.concurrency: Input should be greater than or equal to 1"),
        (["backfill", "--concurrency", "many"], "Invalid value for '--concurrency'"),
        (["status", "--set", "pipeline.keeps=latest"], "pipeline.keeps: no such setting"),
        (["status", "--set", "pipeline.keep=newest"], "pipeline.keep: Input should be 'first' or 'latest'"),
        (["status", "--set", "pipeline"], "'pipeline' sets nothing"),
        (["status", "--config", "absent.toml"], "settings file absent.toml is not there"),
        (["land"], "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_exit_code_2(args: list[str], sentence: str, landed_once: Installation) -> None:
    ended = landed_once.run(*args, code=2)
    assert sentence in ended.err
    assert not ended.out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[pipeline]\nkeeps = 'first'\n", "pipeline.keeps: no such setting"),
        ("[pipelines]\n", "pipelines: no such setting"),
        ("[quality.duplicate_rate]\nwarning = 0.1\ncritical = 0.01\n", "critical (0.01) is below warning (0.1)"),
        (
            "[quality]\nshown_properties = ['page', '$user_id']\n",
            "shown_properties names $user_id, which tells who a user is",
        ),
        (
            "columns.distinct_id = 'who'\nquality.shown_properties = ['Who']\n",
            "shown_properties names Who, which tells",
        ),
        ("project_timezone = 'Mars/Olympus'\n", "'Mars/Olympus' is not an IANA time zone"),
        ("[pipeline\n", "is not valid TOML"),
    ],
)
def test_a_wrong_settings_file_is_exit_code_2(text: str, sentence: str, empty: Installation) -> None:
    empty.write("mixflows.toml", text)
    assert sentence in empty.run("status", code=2).err
    assert not (empty.folder / "mixflows.duckdb").exists()


def test_an_environment_variable_that_names_no_setting_is_exit_code_2(empty: Installation) -> None:
    ended = empty.run("status", env={"MIXFLOWS_PIPLINE__KEEP": "latest"}, code=2)
    assert "MIXFLOWS_PIPLINE__KEEP names no setting" in ended.err
    ended = empty.run("status", env={"MIXFLOWS_PIPELINE__KEEPS": "latest"}, code=2)
    assert "pipeline.keeps: no such setting" in ended.err


@pytest.mark.parametrize(
    "variable", ["MIXFLOWS_WAREHOUSE", "MIXFLOWS_FETCH__AGAIN_AFTER_DAYS", "MIXFLOWS_LANDING__PROMOTE"]
)
@pytest.mark.parametrize("value", ["x", "[1,"])
def test_an_environment_variable_that_is_not_in_json_is_named(empty: Installation, variable: str, value: str) -> None:
    ended = empty.run("status", env={variable: value}, code=2)
    assert f"environment variable {variable} is not in JSON" in ended.err
