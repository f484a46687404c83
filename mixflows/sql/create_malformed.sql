-- One row per line that could not be read as an event, raw.
CREATE TABLE IF NOT EXISTS {{ malformed }} (
  raw_line STRING,
  file_name STRING,
  line_number INT64,
  reason STRING,
  landed_at TIMESTAMP
)
