-- One row per day and run that took it, in the order in which they ended: the first run that published the day, and the latest
-- nine. Inputs: the ledger. Ties by attempt and run id, as in ledger_days.sql.
SELECT
  h.partition_date, h.run_id, h.finished_at, h.status, h.plan_reason, h.source_rows, h.rejected_rows, h.late_rows,
  h.duplicate_rate, h.note, h.error
FROM (
  SELECT
    l.*,
    ROW_NUMBER() OVER (PARTITION BY l.partition_date ORDER BY l.finished_at DESC, l.attempt DESC, l.run_id) AS nth,
    ROW_NUMBER() OVER (
      PARTITION BY l.partition_date, l.status IN ('published', 'unchanged')
      ORDER BY l.finished_at, l.attempt, l.run_id
    ) AS nth_of_kind
  FROM {{ ledger }} AS l
) AS h
WHERE h.nth <= 9 OR (h.nth_of_kind = 1 AND h.status IN ('published', 'unchanged'))
ORDER BY h.partition_date, h.nth DESC
