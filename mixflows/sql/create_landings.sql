-- One row per landed file, each time it was landed.
CREATE TABLE IF NOT EXISTS {{ landings }} (
  file_name STRING,
  content_hash STRING,
  landed_at TIMESTAMP,
  `lines` INT64,
  source_rows INT64,
  malformed_rows INT64,
  joined_rows INT64,
  dropped_fields INT64,
  rows_per_day ARRAY<STRUCT<partition_date DATE, source_rows INT64>>,
  project_timezone STRING,
  wall_clock_unit STRING,
  feed STRING,
  first_day DATE,
  last_day DATE,
  same_rows INT64,
  restated_rows INT64,
  new_rows INT64,
  back_rows INT64,
  gone_rows INT64
)
