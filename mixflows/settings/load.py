"""Reads the settings from `mixflows.toml`, the environment and the command line.

Order of precedence, strongest first: overrides (flags of the command line), `MIXFLOWS_…` in the environment (nesting by `__`),
the TOML file, the defaults.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from mixflows.errors import SettingsError
from mixflows.settings.model import Settings

DEFAULT_CONFIG = Path("mixflows.toml")
ENV_PREFIX = "MIXFLOWS_"


def load_settings(config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Reads the settings from their sources.

    Args:
        config: The TOML file; by default `mixflows.toml` here, if there is one.
        overrides: Nested values that win over everything else (the command line's flags).

    Returns:
        The settings, complete and checked.

    Raises:
        SettingsError: A key is unknown, a value does not fit, or the named file cannot be read. Every finding is named.
    """
    path = config if config is not None else DEFAULT_CONFIG
    if config is not None and not config.is_file():
        raise SettingsError(f"settings file {config} is not there", "Name an existing file with --config.")
    _refuse_unknown_environment()

    class Sources(Settings, BaseSettings):
        model_config = SettingsConfigDict(
            frozen=True,
            extra="forbid",
            env_prefix=ENV_PREFIX,
            env_nested_delimiter="__",
            nested_model_default_partial_update=True,
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    try:
        merged = Sources(**dict(overrides or {}))
        return Settings.model_validate(merged.model_dump())
    except tomllib.TOMLDecodeError as err:
        raise SettingsError(f"settings file {path} is not valid TOML: {err}") from err
    except ValidationError as err:
        raise SettingsError(_findings(err, path), "See the table of settings in README.md.") from err


def _refuse_unknown_environment() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(ENV_PREFIX) and name.removeprefix(ENV_PREFIX).split("__")[0].upper() not in known:
            raise SettingsError(f"environment variable {name} names no setting", f"Known: {', '.join(sorted(known))}.")


def _findings(err: ValidationError, path: Path) -> str:
    lines = [f"the settings do not hold (file {path}, environment {ENV_PREFIX}…, flags):"]
    for finding in err.errors(include_url=False):
        where = ".".join(str(part) for part in finding["loc"]) or "settings"
        what = (
            "no such setting" if finding["type"] == "extra_forbidden" else finding["msg"].removeprefix("Value error, ")
        )
        lines.append(f"  {where}: {what}")
    return "\n".join(lines)


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Reads `section.name=value` words into nested overrides; values are TOML, or plain words.

    Raises:
        SettingsError: A word is no assignment.
    """
    merged: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*(\.[\w$]+)*", name.strip()):
            raise SettingsError(
                f"{assignment!r} sets nothing", "Write section.name=value, such as pipeline.keep=latest."
            )
        *sections, last = name.strip().split(".")
        at = merged
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = _toml_value(value.strip())
    return merged


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
