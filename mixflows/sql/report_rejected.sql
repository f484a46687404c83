-- One row per day of a range and reason: the rejected copies.
-- Inputs: the rejected events, two narrow columns of them.
SELECT
  partition_date,
  rejection_reason,
  COUNT(*) AS rejected_rows
FROM {{ rejected }}
WHERE partition_date >= @first_day AND partition_date <= @last_day
GROUP BY partition_date, rejection_reason
ORDER BY partition_date, rejection_reason
