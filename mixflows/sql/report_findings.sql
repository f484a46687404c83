-- One row per day and expectation and severity: what the day's latest run found.
-- Inputs: the results of the expectations; the ledger, for which run was the latest.
-- Order: the run that finished last; ties by attempt and run id, as in ledger_days.sql.
WITH latest AS (
  SELECT partition_date, run_id, attempt
  FROM {{ ledger }}
  WHERE TRUE
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY partition_date ORDER BY finished_at DESC, attempt DESC, run_id
    ) = 1
)
SELECT
  found.partition_date,
  found.suite,
  found.expectation,
  found.severity,
  found.success,
  found.observed_value,
  found.threshold,
  found.unexpected_count,
  found.note
FROM {{ quality }} AS found
INNER JOIN latest
  ON latest.partition_date = found.partition_date
  AND latest.run_id = found.run_id
  AND latest.attempt = found.attempt
ORDER BY found.partition_date, found.suite, found.expectation, found.severity, found.threshold
