-- One row per day in the ledger: how it ended last, and from what it was published last.
-- Ties: the later attempt of the later row wins.
WITH ranked AS (
  SELECT
    r.partition_date, r.run_id, r.status, r.source_version, r.rules_version, r.thresholds_version,
    ROW_NUMBER() OVER (
      PARTITION BY r.partition_date ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id
    ) AS latest,
    ROW_NUMBER() OVER (
      PARTITION BY r.partition_date, r.status IN ('published', 'unchanged')
      ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id
    ) AS latest_of_kind
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
  l.run_id
FROM ranked AS l
LEFT JOIN ranked AS p
  ON p.partition_date = l.partition_date AND p.latest_of_kind = 1 AND p.status IN ('published', 'unchanged')
WHERE l.latest = 1
ORDER BY day
