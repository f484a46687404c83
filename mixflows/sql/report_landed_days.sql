-- One row per day that landed files brought rows for.
-- Inputs: the landing log.
SELECT
  landed.partition_date,
  SUM(landed.source_rows) AS source_rows,
  MAX(landing.landed_at) AS last_landed_at
FROM {{ landings }} AS landing
CROSS JOIN UNNEST(landing.rows_per_day) AS landed
WHERE landed.partition_date IS NOT NULL
GROUP BY landed.partition_date
ORDER BY landed.partition_date
