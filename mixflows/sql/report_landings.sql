-- One row: totals of the landing log.
-- Inputs: the landing log.
SELECT
  COUNT(*) AS files,
  SUM(`lines`) AS `lines`,
  SUM(source_rows) AS source_rows,
  SUM(malformed_rows) AS malformed_rows,
  MAX(landed_at) AS last_landed_at
FROM {{ landings }}
