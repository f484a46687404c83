"""A day's way: plan, stage, audit, publish, record. Plain functions; no Prefect, no Great Expectations."""
