"""A BigQuery API server on loopback, and how to reach it."""
