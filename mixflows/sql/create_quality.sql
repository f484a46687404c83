-- One row per day, run, attempt and expectation (an expectation with two bounds is one row per severity).
CREATE TABLE IF NOT EXISTS {{ quality }} (
  run_id STRING,
  attempt INT64,
  partition_date DATE,
  suite STRING,
  expectation STRING,
  severity STRING,
  success BOOL,
  observed_value FLOAT64,
  threshold FLOAT64,
  unexpected_count INT64,
  note STRING,
  checked_at TIMESTAMP
)
CLUSTER BY partition_date
