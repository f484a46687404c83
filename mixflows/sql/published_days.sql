-- One row per day that the published tables have rows of: how many. Reads the days only.
-- The tables may refuse a statement without a day: all are named.
SELECT c.day, SUM(c.event_rows) AS event_rows, SUM(c.rejected_rows) AS rejected_rows
FROM (
  SELECT e.partition_date AS day, COUNT(*) AS event_rows, 0 AS rejected_rows
  FROM {{ events }} AS e
  WHERE e.partition_date >= DATE '0001-01-01'
  GROUP BY e.partition_date
  UNION ALL
  SELECT r.partition_date, 0, COUNT(*)
  FROM {{ rejected }} AS r
  WHERE r.partition_date >= DATE '0001-01-01'
  GROUP BY r.partition_date
) AS c
GROUP BY c.day
