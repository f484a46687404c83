-- One row per day, run and attempt: the day's profile as JSON, a few kilobytes (see profile.Profile). Append-only.
CREATE TABLE IF NOT EXISTS {{ profiles }} (
  run_id STRING,
  attempt INT64,
  partition_date DATE,
  profile STRING,
  profiled_at TIMESTAMP
)
CLUSTER BY partition_date
