-- View, one row per published day: its duplicate rate as it was first published and as it is now, and how often it was.
-- Order of runs: the one that finished last; ties by attempt and run id, as in ledger_days.sql.
CREATE OR REPLACE VIEW {{ duplicates_view }} AS
SELECT
  l.partition_date, l.source_rows, l.kept_rows, l.rejected_rows, l.duplicate_rows, l.duplicate_rate,
  f.duplicate_rate AS first_duplicate_rate, f.finished_at AS first_published_at, l.finished_at AS last_published_at,
  l.nth_first AS times_taken
FROM (
  SELECT
    r.*,
    ROW_NUMBER() OVER (PARTITION BY r.partition_date ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id) AS nth_last,
    COUNT(*) OVER (PARTITION BY r.partition_date) AS nth_first
  FROM {{ ledger }} AS r
  WHERE r.status IN ('published', 'unchanged')
) AS l
JOIN (
  SELECT
    r.partition_date, r.duplicate_rate, r.finished_at,
    ROW_NUMBER() OVER (PARTITION BY r.partition_date ORDER BY r.finished_at, r.attempt, r.run_id) AS nth
  FROM {{ ledger }} AS r
  WHERE r.status IN ('published', 'unchanged')
) AS f ON f.partition_date = l.partition_date AND f.nth = 1
WHERE l.nth_last = 1
