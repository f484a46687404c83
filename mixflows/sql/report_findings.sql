-- One row per day and expectation and severity: what the latest run found that judged the day, or failed on it. A run that found
-- a day unchanged by its keys judges nothing, nor does an acknowledgement: the findings before it stand.
-- Inputs: the results of the expectations; the ledger, for which run was the latest; whether only what failed is asked for.
-- Order: the run that finished last; ties by attempt and run id, as in ledger_days.sql.
WITH judged AS (
  SELECT DISTINCT q.partition_date, q.run_id, q.attempt
  FROM {{ quality }} AS q
),
latest AS (
  SELECT l.partition_date, l.run_id, l.attempt
  FROM {{ ledger }} AS l
  LEFT JOIN judged AS j
    ON j.partition_date = l.partition_date AND j.run_id = l.run_id AND j.attempt = l.attempt
  WHERE l.status = 'failed' OR j.run_id IS NOT NULL
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY l.partition_date ORDER BY l.finished_at DESC, l.attempt DESC, l.run_id
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
WHERE NOT (@failed_only AND found.success)
ORDER BY found.partition_date, found.suite, found.expectation, found.severity, found.threshold
