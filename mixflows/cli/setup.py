"""What `init` and `doctor` do: an installation is begun, and looked at."""

from dataclasses import asdict
from pathlib import Path
from textwrap import indent
from typing import Any

from mixflows.cli.output import console, print_json, styled
from mixflows.cli.session import command, opened, take_from_block
from mixflows.errors import SettingsError
from mixflows.files import write_text
from mixflows.settings import DEFAULT_CONFIG, checked, load_settings, parse_assignments, settings_file
from mixflows.settings.toml import toml_of
from mixflows.text import plain
from mixflows.warehouse import diagnose, settings_for_source
from mixflows.warehouse.checks import Check, CheckState

FIRST_SETTINGS = """\
# Settings of mixflows; docs/settings.md has them all. Environment variables MIXFLOWS_SECTION__NAME override this file.
project_timezone = "UTC"        # the Mixpanel project's time zone: decides what a day is

[warehouse]
path = "mixflows.duckdb"

[pipeline]
key = "insert_id_time"          # "mixpanel", "mixpanel_day"
keep = "first"                  # "latest"

[quality.duplicate_rate]
warning = 0.005
critical = 0.01
"""
STYLES = {CheckState.OK: "green", CheckState.WARNING: "yellow", CheckState.FAILED: "red", CheckState.UNKNOWN: "dim"}


def run_init(config: Path | None, assignments: list[str] | None, source: str | None) -> None:
    """Makes what is missing, and says what it made.

    Args:
        config: The settings' file; with `source`, the file to write.
        assignments: Settings over it; with `source`, they are written too.
        source: A table on BigQuery as `project.dataset.table`; its settings are found out and written first.
    """
    if source is not None:
        _write_settings_of(source, settings_file(config) or DEFAULT_CONFIG, parse_assignments(assignments or []))
    elif settings_file(config) is None and not DEFAULT_CONFIG.exists():
        load_settings(None, parse_assignments(assignments or []))  # refused before anything is written
        write_text(DEFAULT_CONFIG, FIRST_SETTINGS, "the settings")
        console.print(f"wrote {DEFAULT_CONFIG}")
    settings, warehouse = opened(config, assignments)
    made = warehouse.create_tables()
    console.print(f"{settings.warehouse_name}: " + (f"created {', '.join(made)}" if made else "everything is there"))
    if source is not None:
        console.print(f"Look at everything with: {command('doctor', config=config)}")


def _write_settings_of(source: str, config: Path, overrides: dict[str, Any]) -> None:
    """Finds out what a source table is, and writes the settings for it into a new file.

    Raises:
        SettingsError: The file is there already; what it needs is told.
    """
    place: dict[str, Any] = {"project": source.split(".", maxsplit=1)[0]}
    overrides = {
        **overrides,
        "warehouse": {"engine": "bigquery", **overrides.get("warehouse", {})},
        "bigquery": place | overrides.get("bigquery", {}),
    }
    settings, what = settings_for_source(load_settings(config if config.exists() else None, overrides), source)
    settings = checked(settings)
    console.print(what)
    text = toml_of(settings)
    if config.exists():
        raise SettingsError(
            f"{config} is there already, and is left as it is", f"These settings are for the table:\n\n{text}"
        )
    write_text(config, text, "the settings")
    console.print(f"wrote {plain(config)}")
    if "project_timezone" not in overrides:
        console.print('project_timezone is "UTC"; change it if the Mixpanel project is elsewhere.')


def run_doctor(config: Path | None, assignments: list[str] | None, *, as_json: bool) -> int:
    """Looks at everything that a run needs, and prints what is found.

    Returns:
        The exit code: 1 if a check failed.
    """
    settings = load_settings(config, parse_assignments(assignments or []))
    take_from_block(settings)
    checks = list(diagnose(settings))
    code = 1 if any(check.state is CheckState.FAILED for check in checks) else 0
    if as_json:
        print_json({"warehouse": settings.warehouse_name, "exit_code": code, "checks": [asdict(c) for c in checks]})
        return code
    for check in checks:
        _print_check(check)
    counts = ", ".join(
        f"{sum(check.state is state for check in checks)} {state}"
        for state in CheckState
        if any(check.state is state for check in checks)
    )
    console.print(f"\n{settings.warehouse_name}: {counts}.")
    return code


def _print_check(check: Check) -> None:
    console.print(styled(f"{check.state:8}", STYLES[check.state]), f"{check.name}: {check.finding}")
    if check.advice:
        console.print(styled(indent(check.advice, 9 * " "), "bold"))
