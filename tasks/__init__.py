"""One step each: thin Prefect tasks over the library's plain functions."""
