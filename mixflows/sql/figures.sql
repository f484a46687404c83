-- One row per staged day: its figures (see model.Figures), from one scan of the staged days' narrow columns. A part of profile.sql.
-- Ids, times and arrivals are counted from the source's own columns; only the kept_ and rejected_ figures read what staging
-- wrote, so that the ones can be compared with the others.
WITH per_copy AS (
  SELECT
    s.mf__day,
    SUM(CASE WHEN s.mf__gone THEN 0 ELSE 1 END) AS source_rows,
    SUM(CASE WHEN s.mf__gone THEN 1 ELSE 0 END) AS retained_rows,
    SUM(CASE WHEN s.row_num = 1 THEN 1 ELSE 0 END) AS kept_rows,
    SUM(CASE WHEN s.rejection_reason IS NOT NULL THEN 1 ELSE 0 END) AS rejected_rows,
    SUM(CASE WHEN s.row_num > 1 AND NOT s.is_exact_copy AND NOT s.mf__gone THEN 1 ELSE 0 END) AS conflicting_duplicate_rows,
    SUM(CASE WHEN s.mf__gone OR {{ x.has_id('s') }} THEN 0 ELSE 1 END) AS missing_insert_id_rows,
    SUM(CASE WHEN s.mf__gone OR {{ x.has_time('s') }} THEN 0 ELSE 1 END) AS missing_time_rows,
    SUM(CASE WHEN {{ x.in_future('s') }} AND NOT s.mf__gone THEN 1 ELSE 0 END) AS future_rows,
    SUM(CASE WHEN {{ x.arrival_us('s') }} >= d.mf__late_from_us AND NOT s.mf__gone THEN 1 ELSE 0 END) AS late_rows,
    SUM(CASE WHEN {{ x.is_keyed('s') }} THEN 1 ELSE 0 END) AS keyed_rows,
    SUM(CASE WHEN {{ x.is_valid('s') }} AND NOT ({{ x.has_id('s') }}) THEN 1 ELSE 0 END) AS valid_without_id,
    SUM(CASE WHEN s.row_num = 1 AND NOT ({{ x.has_id('s') }}) THEN 1 ELSE 0 END) AS kept_without_id_rows,
    SUM(CASE WHEN s.row_num = 1 AND NOT ({{ x.has_time('s') }}) THEN 1 ELSE 0 END) AS kept_without_time,
    SUM(CASE WHEN s.row_num = 1 AND NOT s.mf__in_day THEN 1 ELSE 0 END) AS kept_other_day_rows,
    SUM(CASE WHEN s.row_num = 1 AND s.mf__gone THEN 1 ELSE 0 END) AS gone_events
  FROM {{ stage }} AS s
  JOIN {{ days }} AS d ON d.mf__day = s.mf__day
  GROUP BY s.mf__day
),
keys AS (
  SELECT
    c.mf__day,
    COUNT(*) AS copies,
    SUM(CASE WHEN c.mf__gone THEN 0 ELSE 1 END) AS live_copies,
    SUM(CASE WHEN c.mf__row_num = 1 THEN 1 ELSE 0 END) AS kept
  FROM {{ copies }} AS c
  WHERE c.mf__keyed
  GROUP BY c.mf__day, {{ x.key('c') }}
),
per_key AS (
  SELECT
    k.mf__day,
    SUM(k.copies - 1) AS surplus_copies,
    SUM(CASE WHEN k.live_copies > 1 THEN k.live_copies - 1 ELSE 0 END) AS duplicate_rows,
    SUM(CASE WHEN k.kept <> 1 THEN 1 ELSE 0 END) AS kept_twice_keys
  FROM keys AS k
  GROUP BY k.mf__day
),
instants AS (
  SELECT c.mf__day, COUNT(DISTINCT c.mf__fingerprint) AS contents
  FROM {{ copies }} AS c
  WHERE c.mf__contested AND NOT c.mf__gone
  GROUP BY c.mf__day, {{ x.key('c') }}, c.mf__arrival_us
),
ambiguous AS (
  SELECT i.mf__day, SUM(CASE WHEN i.contents > 1 THEN 1 ELSE 0 END) AS ambiguous_keys FROM instants AS i GROUP BY i.mf__day
)
SELECT
  p.mf__day AS day,
  p.source_rows,
  p.retained_rows,
  p.kept_rows,
  p.rejected_rows,
  COALESCE(k.duplicate_rows, 0) AS duplicate_rows,
  p.conflicting_duplicate_rows,
  p.missing_insert_id_rows,
  p.missing_time_rows,
  p.future_rows,
  p.late_rows,
  p.keyed_rows - COALESCE(k.surplus_copies, 0) + p.valid_without_id AS valid_keys,
  COALESCE(k.kept_twice_keys, 0) AS kept_twice_keys,
  {{ 'p.kept_without_time' if pipeline.missing_insert_id == 'keep' else 'p.kept_without_time + p.kept_without_id_rows' }}
    AS kept_null_key_rows,
  p.kept_other_day_rows,
  COALESCE(a.ambiguous_keys, 0) AS ambiguous_keys,
  p.kept_without_id_rows,
  p.gone_events
FROM per_copy AS p
LEFT JOIN per_key AS k ON k.mf__day = p.mf__day
LEFT JOIN ambiguous AS a ON a.mf__day = p.mf__day
