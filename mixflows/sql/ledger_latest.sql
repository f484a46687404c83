-- One row per day in the ledger: its latest row, whole. Ties: the later attempt.
SELECT l.* EXCEPT (latest)
FROM (
  SELECT
    r.*,
    ROW_NUMBER() OVER (PARTITION BY r.partition_date ORDER BY r.finished_at DESC, r.attempt DESC, r.run_id) AS latest
  FROM {{ ledger }} AS r
) AS l
WHERE l.latest = 1
ORDER BY l.partition_date
