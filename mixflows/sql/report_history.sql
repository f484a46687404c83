-- One row per day and run that took it, of the latest ten of each day, in the order in which they ended.
-- Inputs: the ledger. Ties by attempt and run id, as in ledger_days.sql.
SELECT
  h.partition_date, h.run_id, h.finished_at, h.status, h.plan_reason, h.source_rows, h.duplicate_rate, h.note, h.error
FROM (
  SELECT
    l.*,
    ROW_NUMBER() OVER (PARTITION BY l.partition_date ORDER BY l.finished_at DESC, l.attempt DESC, l.run_id) AS nth
  FROM {{ ledger }} AS l
) AS h
WHERE h.nth <= 10
ORDER BY h.partition_date, h.nth DESC
