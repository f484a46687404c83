-- One row per run and attempt: when it worked, how its days ended, and how many source rows they had.
-- Inputs: the ledger.
-- Order: the latest start first; ties by run id and attempt.
SELECT
  run_id,
  attempt,
  MIN(started_at) AS started_at,
  MAX(finished_at) AS finished_at,
  SUM(CASE WHEN status = 'published' THEN 1 ELSE 0 END) AS published_days,
  SUM(CASE WHEN status = 'unchanged' THEN 1 ELSE 0 END) AS unchanged_days,
  SUM(CASE WHEN status = 'blocked' THEN 1 ELSE 0 END) AS blocked_days,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_days,
  SUM(COALESCE(source_rows, 0)) AS source_rows,
  SUM(COALESCE(inserted_rows, 0) + COALESCE(updated_rows, 0) + COALESCE(deleted_rows, 0)) AS changed_rows
FROM {{ ledger }}
GROUP BY run_id, attempt
ORDER BY started_at DESC, run_id DESC, attempt DESC
LIMIT 20
