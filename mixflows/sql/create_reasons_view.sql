-- View, one row per day and reason: the rejected copies, and how many of them are exact copies of their winner.
-- The table may refuse statements without a day: all days are asked for.
CREATE OR REPLACE VIEW {{ reasons_view }} AS
SELECT
  r.partition_date, r.rejection_reason, COUNT(*) AS rejected_rows,
  COALESCE(SUM(CASE WHEN r.is_exact_copy THEN 1 ELSE 0 END), 0) AS exact_copies,
  MIN(r.rejection_timestamp) AS first_rejected_at, MAX(r.rejection_timestamp) AS last_rejected_at
FROM {{ rejected }} AS r
WHERE r.partition_date >= DATE '0001-01-01'
GROUP BY r.partition_date, r.rejection_reason
