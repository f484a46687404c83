-- One row per copy of days in the source that a run would reject, with the reason; for people to copy, where a day is blocked.
-- Inputs: the source.
-- Ties: copies of a key that arrived together may be numbered in another order than a run does it; the counts are the same.
SELECT n.*
FROM (
  SELECT
    v.*,
    CASE WHEN v.rejection_reason IS NULL AND {{ x.has_id('v') }} THEN
      ROW_NUMBER() OVER (
        PARTITION BY v.mf__day, {{ x.key('v') }}, v.rejection_reason
        ORDER BY v.mf__arrival_us IS NULL, v.mf__arrival_us{{ ' DESC' if pipeline.keep == 'latest' }}
      )
    END AS row_num
  FROM (
    SELECT s.*, {{ x.day('s') }} AS mf__day, {{ x.arrival_us('s') }} AS mf__arrival_us, {{ x.invalid_reason('s') }} AS rejection_reason
    FROM {{ source }} AS s
    WHERE {{ x.in_days('s') }}
  ) AS v
) AS n
WHERE n.rejection_reason IS NOT NULL OR n.row_num > 1
ORDER BY n.rejection_reason, n.row_num
