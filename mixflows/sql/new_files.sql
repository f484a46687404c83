-- One row per day and landed file that brought rows for it since a run published the day last, or ever, if none did.
-- Inputs: the landing log and the ledger.
SELECT
  landed.partition_date AS day,
  landing.file_name,
  SUM(landed.source_rows) AS source_rows,
  MAX(landing.landed_at) AS last_landed_at
FROM {{ landings }} AS landing
CROSS JOIN UNNEST(landing.rows_per_day) AS landed
LEFT JOIN (
  SELECT r.partition_date, MAX(r.started_at) AS started_at
  FROM {{ ledger }} AS r
  WHERE r.status IN ('published', 'unchanged')
  GROUP BY r.partition_date
) AS published ON published.partition_date = landed.partition_date
WHERE landed.partition_date IS NOT NULL
  AND (published.started_at IS NULL OR landing.landed_at > published.started_at)
GROUP BY landed.partition_date, landing.file_name
ORDER BY day, last_landed_at, landing.file_name
