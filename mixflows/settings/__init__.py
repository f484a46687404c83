"""The settings: one frozen model, how it is loaded, and how it is written as TOML."""

from mixflows.settings.load import DEFAULT_CONFIG, load_settings, parse_assignments
from mixflows.settings.model import (
    FINGERPRINT_VERSION,
    BackfillSettings,
    BigQuerySettings,
    ColumnSettings,
    Keep,
    Key,
    LandingSettings,
    PipelineSettings,
    ReportSettings,
    Settings,
    TableSettings,
    WarehouseSettings,
)
from mixflows.settings.quality import Bounds, QualitySettings

__all__ = [
    "DEFAULT_CONFIG",
    "FINGERPRINT_VERSION",
    "BackfillSettings",
    "BigQuerySettings",
    "Bounds",
    "ColumnSettings",
    "Keep",
    "Key",
    "LandingSettings",
    "PipelineSettings",
    "QualitySettings",
    "ReportSettings",
    "Settings",
    "TableSettings",
    "WarehouseSettings",
    "load_settings",
    "parse_assignments",
]
