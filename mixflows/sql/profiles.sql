-- One row per day in a range: the latest profile of it. Ties: the later attempt of the later run.
-- A day that was read in vain (failed) has none.
SELECT l.partition_date, l.run_id, l.profile
FROM (
  SELECT
    p.partition_date, p.run_id, p.profile,
    ROW_NUMBER() OVER (PARTITION BY p.partition_date ORDER BY p.profiled_at DESC, p.attempt DESC, p.run_id) AS latest
  FROM {{ profiles }} AS p
  WHERE p.partition_date >= @first_day AND p.partition_date <= @last_day
) AS l
WHERE l.latest = 1
ORDER BY l.partition_date
