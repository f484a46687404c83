-- One row: the figures of the staged day (see model.Figures), read once, on its narrow columns.
-- Keys, ids and times are counted from the source's own columns; only the kept_ and rejected_ figures read what staging
-- wrote, so that the ones can be held against the others.
WITH judged AS (
  SELECT
    {{ x.key('s') }},
    s.row_num,
    s.rejection_reason,
    s.is_exact_copy,
    {{ x.is_valid('s') }} AS is_valid,
    {{ x.has_id('s') }} AS has_id,
    {{ x.has_time('s') }} AS has_time,
    {{ x.in_future('s') }} AS in_future,
    {{ x.is_late('s') }} AS is_late,
    COALESCE({{ x.in_bounds('s') }}, FALSE) AS in_bounds
  FROM {{ stage }} AS s
),
per_copy AS (
  SELECT
    COUNT(*) AS source_rows,
    COALESCE(SUM(CASE WHEN s.row_num = 1 THEN 1 ELSE 0 END), 0) AS kept_rows,
    COALESCE(SUM(CASE WHEN s.rejection_reason IS NOT NULL THEN 1 ELSE 0 END), 0) AS rejected_rows,
    COALESCE(SUM(CASE WHEN s.row_num > 1 AND NOT s.is_exact_copy THEN 1 ELSE 0 END), 0) AS conflicting_duplicate_rows,
    COALESCE(SUM(CASE WHEN s.has_id THEN 0 ELSE 1 END), 0) AS missing_insert_id_rows,
    COALESCE(SUM(CASE WHEN s.has_time THEN 0 ELSE 1 END), 0) AS missing_time_rows,
    COALESCE(SUM(CASE WHEN s.in_future THEN 1 ELSE 0 END), 0) AS future_rows,
    COALESCE(SUM(CASE WHEN s.is_late THEN 1 ELSE 0 END), 0) AS late_rows,
    COALESCE(SUM(CASE WHEN s.is_valid AND NOT s.has_id THEN 1 ELSE 0 END), 0) AS valid_without_id,
    COALESCE(SUM(CASE WHEN s.row_num = 1 AND NOT s.has_id THEN 1 ELSE 0 END), 0) AS kept_without_id_rows,
    COALESCE(SUM(CASE WHEN s.row_num = 1 AND NOT s.has_time THEN 1 ELSE 0 END), 0) AS kept_without_time,
    COALESCE(SUM(CASE WHEN s.row_num = 1 AND NOT s.in_bounds THEN 1 ELSE 0 END), 0)
      AS kept_other_day_rows
  FROM judged AS s
),
keys AS (
  SELECT COUNT(*) AS copies, SUM(CASE WHEN s.row_num = 1 THEN 1 ELSE 0 END) AS kept
  FROM judged AS s
  WHERE s.is_valid AND s.has_id
  GROUP BY {{ x.key('s') }}
),
per_key AS (
  SELECT
    COUNT(*) AS valid_keys,
    COALESCE(SUM(k.copies - 1), 0) AS duplicate_rows,
    COALESCE(SUM(CASE WHEN k.kept > 1 THEN 1 ELSE 0 END), 0) AS kept_twice_keys
  FROM keys AS k
),
ambiguous AS (
  SELECT COUNT(*) AS ambiguous_keys
  FROM (
    SELECT 1 AS one
    FROM {{ copies }} AS c
    WHERE c.is_contested
    GROUP BY {{ x.key('c') }}, {{ x.arrival('c') }}
    HAVING COUNT(DISTINCT c.fingerprint) > 1
  ) AS a
)
SELECT
  p.source_rows,
  p.kept_rows,
  p.rejected_rows,
  k.duplicate_rows,
  p.conflicting_duplicate_rows,
  p.missing_insert_id_rows,
  p.missing_time_rows,
  p.future_rows,
  p.late_rows,
  k.valid_keys + p.valid_without_id AS valid_keys,
  k.kept_twice_keys,
  {{ 'p.kept_without_time' if pipeline.missing_insert_id == 'keep' else 'p.kept_without_time + p.kept_without_id_rows' }}
    AS kept_null_key_rows,
  p.kept_other_day_rows,
  a.ambiguous_keys,
  p.kept_without_id_rows
FROM per_copy AS p
CROSS JOIN per_key AS k
CROSS JOIN ambiguous AS a
