-- One row per day and reason: the rejected copies.
-- Inputs: the rejected events, two narrow columns of them.
SELECT
  partition_date,
  rejection_reason,
  COUNT(*) AS rejected_rows
FROM {{ rejected }}
GROUP BY partition_date, rejection_reason
ORDER BY partition_date, rejection_reason
