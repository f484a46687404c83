"""The settings: one frozen model, how it is loaded, and how it is written as TOML."""

from mixflows.settings.landing import LandingSettings
from mixflows.settings.load import checked, load_settings, parse_assignments, settings_file
from mixflows.settings.model import (
    CLAIMS,
    FINGERPRINT_VERSION,
    ColumnSettings,
    Keep,
    Key,
    Settings,
)
from mixflows.settings.paths import DEFAULT_CONFIG, command_line
from mixflows.settings.quality import Bounds, QualitySettings
from mixflows.settings.roles import REJECTED_COLUMNS, RESERVED_PREFIX
from mixflows.settings.warehouse import BigQuerySettings

__all__ = [
    "CLAIMS",
    "DEFAULT_CONFIG",
    "FINGERPRINT_VERSION",
    "REJECTED_COLUMNS",
    "RESERVED_PREFIX",
    "BigQuerySettings",
    "Bounds",
    "ColumnSettings",
    "Keep",
    "Key",
    "LandingSettings",
    "QualitySettings",
    "Settings",
    "checked",
    "command_line",
    "load_settings",
    "parse_assignments",
    "settings_file",
]
