"""Keep a Mixpanel event table exactly right, per day, on DuckDB or BigQuery."""

__version__ = "0.1.0"
