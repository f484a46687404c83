-- One row per day and reason: the rejected copies.
-- Inputs: the rejected events, two narrow columns of them. The table may refuse statements without a day.
SELECT
  partition_date,
  rejection_reason,
  COUNT(*) AS rejected_rows
FROM {{ rejected }}
WHERE partition_date >= DATE '0001-01-01'
GROUP BY partition_date, rejection_reason
ORDER BY partition_date, rejection_reason
