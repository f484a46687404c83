"""Writes settings as a `mixflows.toml`: what differs from the defaults, section by section."""

from datetime import date
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from mixflows.settings.model import Settings

HEADER = "# Settings of mixflows; docs/settings.md has them all. Environment variables MIXFLOWS_SECTION__NAME override this file.\n"


def toml_of(settings: Settings) -> str:
    """The text of a settings file that gives these settings; what is as by default is left out."""
    usual = Settings().model_dump()
    lines = [HEADER, f"project_timezone = {_value(settings.project_timezone)}\n"]
    for name, section in settings.model_dump(exclude={"project_timezone"}).items():
        lines += _section(name, section, usual[name])
    return "".join(lines)


def _section(path: str, values: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    """A section and those under it, without secrets. A mapping with keys of the user's own is written whole."""
    changed = {n: value for n, value in values.items() if value != usual.get(n) and not isinstance(value, SecretStr)}
    plain = {name: value for name, value in changed.items() if not isinstance(value, dict)}
    lines = [f"\n[{path}]\n", *(f"{name} = {_value(value)}\n" for name, value in plain.items())] if plain else []
    for name, value in changed.items():
        if isinstance(value, dict):
            lines += _section(f"{path}.{name}", cast("dict[str, Any]", value), usual.get(name) or {})
    return lines


def _value(value: Any) -> str:
    match value:
        case None:
            return '"none"'
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date():
            return value.isoformat()
        case tuple() | list():
            return f"[{', '.join(_value(item) for item in cast('list[Any]', value))}]"
        case str() | Path():
            text = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'
        case _:
            raise TypeError(f"no setting is a {type(value).__name__}")
