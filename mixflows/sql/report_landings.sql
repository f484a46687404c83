-- One row: totals of the landing log; two lines that were joined count as one.
-- Inputs: the landing log.
SELECT
  COUNT(*) AS files,
  SUM(`lines`) - SUM(COALESCE(joined_rows, 0)) AS `lines`,
  SUM(source_rows) AS source_rows,
  SUM(malformed_rows) AS malformed_rows,
  MAX(landed_at) AS last_landed_at
FROM {{ landings }}
