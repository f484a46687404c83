-- One row per day that was ever published: its latest row of that kind, whole. Ties: the later attempt.
SELECT l.* EXCEPT (latest)
FROM (
  SELECT
    r.*,
    ROW_NUMBER() OVER (PARTITION BY r.partition_date ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id) AS latest
  FROM {{ ledger }} AS r
  WHERE r.status IN ('published', 'unchanged')
) AS l
WHERE l.latest = 1
