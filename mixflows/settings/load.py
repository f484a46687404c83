"""Reads the settings from `mixflows.toml`, the environment and the command line.

Order of precedence, strongest first: overrides (flags of the command line), `MIXFLOWS_…` in the environment (nesting by `__`),
the TOML file, the defaults. Relative paths in the file and the default path of the warehouse start from the file's folder,
all others from the working folder.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from mixflows.errors import SettingsError
from mixflows.settings.mixpanel import FetchSettings
from mixflows.settings.model import Settings
from mixflows.settings.paths import DEFAULT_CONFIG, in_folder
from mixflows.settings.warehouse import WarehouseSettings

ENV_PREFIX = "MIXFLOWS_"
CONFIG_VARIABLE = f"{ENV_PREFIX}CONFIG"
"""Names the settings file where `--config` does not."""


def settings_file(config: Path | None = None) -> Path | None:
    """The settings file that is named, by `config` or else by the environment; None where none is."""
    if config is None and (named := os.environ.get(CONFIG_VARIABLE)):
        return Path(named)
    return config


def load_settings(config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Reads the settings from their sources.

    Args:
        config: The TOML file; by default the one that `MIXFLOWS_CONFIG` names, else `mixflows.toml` here, if there is one.
        overrides: Nested values that win over everything else (the command line's flags).

    Returns:
        The settings, complete and checked.

    Raises:
        SettingsError: A key is unknown, a value does not fit, or the named file cannot be read. Every finding is named.
    """
    named = settings_file(config)
    path = named or DEFAULT_CONFIG
    written = _read(path, CONFIG_VARIABLE if config is None else "--config") if named or path.exists() else {}
    _refuse_unknown_environment()
    refuse_secrets(Settings, written, f"the settings file {path}, which others may read")
    refuse_secrets(Settings, overrides or {}, "--set, which Prefect stores as a parameter")

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
            return init_settings, env_settings, InitSettingsSource(settings_cls, written)

    try:
        merged = Sources(**dict(overrides or {}))
        return Settings.model_validate(merged.model_dump()).read_from(path)
    except ValidationError as err:
        raise SettingsError(_findings(err, path), "See docs/settings.md.") from err
    except UnreadableVariableError as err:
        names = [name for name, value in sorted(os.environ.items()) if _is_ours(name) and not _is_json(value)]
        raise SettingsError(
            f"environment variable {' or '.join(names)} is not in JSON, as lists, mappings and whole sections are written",
            f'Write a list as ["a", "b"], or set one value of a section: {ENV_PREFIX}PIPELINE__KEEP=latest.',
        ) from err
    except ValueError as err:
        raise SettingsError(str(err), "See docs/settings.md.") from err


def checked(settings: Settings) -> Settings:
    """Checks settings that were put together from others as if they had been read.

    Raises:
        SettingsError: They contradict each other.
    """
    try:
        return Settings.model_validate(settings.model_dump())
    except ValidationError as err:
        raise SettingsError(_findings(err, DEFAULT_CONFIG), "See docs/settings.md.") from err


def _read(path: Path, named_by: str) -> dict[str, Any]:
    """The values of a settings file, with paths that start from its folder.

    Raises:
        SettingsError: It is no file, cannot be read, or is not TOML.
    """
    try:
        values = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError as err:
        raise SettingsError(f"settings file {path} is not there", f"Name an existing file with {named_by}.") from err
    except OSError as err:
        raise SettingsError(
            f"settings file {path} cannot be read: {err.strerror}", f"Name a file that can be read with {named_by}."
        ) from err
    except UnicodeDecodeError as err:
        raise SettingsError(f"settings file {path} is not valid TOML: it is not in UTF-8") from err
    except tomllib.TOMLDecodeError as err:
        raise SettingsError(f"settings file {path} is not valid TOML: {err}") from err
    section = values.get("warehouse", {})
    if isinstance(section, dict) and "bigquery" not in section.values():
        values["warehouse"] = {"path": str(WarehouseSettings().path), **cast("dict[str, Any]", section)}
    section = values.get("fetch", {})
    if isinstance(section, dict):
        values["fetch"] = {"folder": str(FetchSettings().folder), **cast("dict[str, Any]", section)}
    return in_folder(values, path.parent, Settings)


def refuse_secrets(model: type[BaseModel], values: Mapping[str, Any], where: str, section: str = "") -> None:
    """Refuses secret settings where others can read them.

    Args:
        where: What the values come from, in words.

    Raises:
        SettingsError: A secret setting is set.
    """
    for name, value in values.items():
        kind = model.model_fields[name].annotation if name in model.model_fields else None
        if SecretStr in (kind, *get_args(kind)):
            variable = f"{ENV_PREFIX}{section}{name}".replace(".", "__").upper()
            raise SettingsError(
                f"{section}{name} is secret and is not taken from {where}",
                f"Set {variable} in the environment, or keep it in a Prefect block.",
            )
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            refuse_secrets(kind, cast("Mapping[str, Any]", value), where, f"{section}{name}.")


def _refuse_unknown_environment() -> None:
    known = {name.upper() for name in ("config", *Settings.model_fields)}
    for name in sorted(os.environ):
        if _is_ours(name) and name.removeprefix(ENV_PREFIX).split("__")[0].upper() not in known:
            raise SettingsError(f"environment variable {name} names no setting", f"Known: {', '.join(sorted(known))}.")


def _is_ours(variable: str) -> bool:
    return variable.startswith(ENV_PREFIX)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


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
