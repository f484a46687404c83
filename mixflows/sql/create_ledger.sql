-- One row per day, run and attempt: how it ended. Append-only; the latest row of a day tells its state.
CREATE TABLE IF NOT EXISTS {{ ledger }} (
  run_id STRING,
  attempt INT64,
  partition_date DATE,
  plan_reason STRING,
  status STRING,
  source_rows INT64,
  kept_rows INT64,
  rejected_rows INT64,
  duplicate_rows INT64,
  duplicate_rate FLOAT64,
  late_rows INT64,
  inserted_rows INT64,
  updated_rows INT64,
  deleted_rows INT64,
  source_version STRING,
  rules_version STRING,
  thresholds_version STRING,
  bytes_processed INT64,
  slot_ms INT64,
  started_at TIMESTAMP,
  finished_at TIMESTAMP,
  engine STRING,
  note STRING,
  error STRING,
  step_costs STRING
)
PARTITION BY partition_date
