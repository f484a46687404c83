-- One row per day, run and attempt that was billed: what it took, in the order in which they ended.
-- Inputs: the ledger. Ties: run id and attempt.
SELECT
  partition_date, run_id, attempt, status, kept_rows, bytes_processed AS bytes_billed, slot_ms, step_costs, batch_id
FROM {{ ledger }}
WHERE bytes_processed IS NOT NULL
ORDER BY finished_at, run_id, attempt
