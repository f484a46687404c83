-- One row per day: the published events, counted as they are now.
-- Inputs: the published events, their day only. The table may refuse statements without a day, so every day is asked for.
SELECT
  partition_date,
  COUNT(*) AS event_rows
FROM {{ events }}
WHERE partition_date >= DATE '0001-01-01'
GROUP BY partition_date
ORDER BY partition_date
