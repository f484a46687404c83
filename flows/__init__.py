"""The flows that people run and deploy: land, daily, backfill, report."""
