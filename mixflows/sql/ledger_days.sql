-- One row per day in the ledger: how it ended last, from what it was published last, and which run wrote it last.
-- Ties: the later attempt of the later row wins.
WITH ranked AS (
  SELECT
    r.partition_date, r.run_id, r.status, r.source_version, r.rules_version, r.thresholds_version, r.source_columns,
    r.kept_rows, r.rejected_rows, r.retained_rows, r.failed_expectations, r.acknowledged,
    ROW_NUMBER() OVER (
      PARTITION BY r.partition_date ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id
    ) AS latest,
    ROW_NUMBER() OVER (
      PARTITION BY r.partition_date, r.status IN ('published', 'unchanged')
      ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id
    ) AS latest_of_kind,
    ROW_NUMBER() OVER (
      PARTITION BY r.partition_date, r.status ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id
    ) AS latest_of_status
  FROM {{ ledger }} AS r
)
SELECT
  l.partition_date AS day,
  l.status,
  l.source_version,
  l.rules_version,
  l.thresholds_version,
  p.source_version AS published_version,
  p.rules_version AS published_rules,
  p.partition_date IS NOT NULL AS is_published,
  l.run_id,
  p.source_columns,
  p.kept_rows AS event_rows,
  COALESCE(p.retained_rows, 0) AS retained_rows,
  p.rejected_rows,
  COALESCE(l.failed_expectations, '') AS failed_expectations,
  COALESCE(l.acknowledged, '') AS acknowledged,
  COALESCE(w.run_id, p.run_id) AS published_by
FROM ranked AS l
LEFT JOIN ranked AS p
  ON p.partition_date = l.partition_date AND p.latest_of_kind = 1 AND p.status IN ('published', 'unchanged')
LEFT JOIN ranked AS w
  ON w.partition_date = l.partition_date AND w.latest_of_status = 1 AND w.status = 'published'
WHERE l.latest = 1
ORDER BY day
