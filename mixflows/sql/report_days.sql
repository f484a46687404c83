-- One row per day that a run has taken: how its latest run ended, and from what it was last published.
-- Inputs: the ledger.
-- Order: the run that finished last; ties by attempt and run id, as in ledger_days.sql.
WITH ranked AS (
  SELECT
    *,
    status IN ('published', 'unchanged') AS is_published,
    ROW_NUMBER() OVER (
      PARTITION BY partition_date ORDER BY finished_at DESC, attempt DESC, run_id
    ) AS nth,
    ROW_NUMBER() OVER (
      PARTITION BY partition_date, status IN ('published', 'unchanged')
      ORDER BY finished_at DESC, attempt DESC, run_id
    ) AS nth_of_kind
  FROM {{ ledger }}
)
SELECT
  latest.partition_date,
  latest.status,
  latest.plan_reason,
  latest.run_id,
  latest.attempt,
  latest.started_at,
  latest.finished_at,
  latest.source_rows,
  latest.duplicate_rows,
  latest.duplicate_rate,
  latest.late_rows,
  latest.note,
  latest.acknowledged,
  latest.error,
  latest.work_seconds,
  published.source_rows AS published_source_rows,
  COALESCE(published.retained_rows, 0) AS published_retained_rows,
  published.finished_at AS published_at
FROM ranked AS latest
LEFT JOIN ranked AS published
  ON published.partition_date = latest.partition_date
  AND published.is_published
  AND published.nth_of_kind = 1
WHERE latest.nth = 1
ORDER BY latest.partition_date
