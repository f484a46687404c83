"""The flows that people run and deploy: land, fetch, daily, backfill, report, inspect, release."""
