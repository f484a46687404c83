-- One row per day: the published events, counted as they are now.
-- Inputs: the published events, their day only.
SELECT
  partition_date,
  COUNT(*) AS event_rows
FROM {{ events }}
GROUP BY partition_date
ORDER BY partition_date
