-- One row per rejected copy that the day is to have: a copy that was rejected before keeps its first rejection_timestamp
-- and run_id. Inputs: the day's copies and its rejected rows as published.
-- A copy's identity is arrival, fingerprint (which covers the key) and ordinal among equals; ties by the older timestamp.
CREATE OR REPLACE TABLE {{ rejected_next }} {{ stage_options }} AS
WITH now AS (
  SELECT
    {{ x.columns('c') }}, c.row_num, c.rejection_reason, c.is_exact_copy, c.fingerprint,
    ROW_NUMBER() OVER (PARTITION BY {{ x.arrival('c') }}, c.fingerprint ORDER BY c.row_num) AS ordinal
  FROM {{ copies }} AS c
  WHERE c.row_num IS DISTINCT FROM 1
),
marked AS (
  SELECT {{ x.arrival('r') }} AS arrival, r.rejection_timestamp, r.run_id, {{ x.fingerprint('r') }} AS fingerprint
  FROM {{ rejected }} AS r
  WHERE r.partition_date = @day
),
before AS (
  SELECT
    m.arrival, m.fingerprint, m.rejection_timestamp, m.run_id,
    ROW_NUMBER() OVER (PARTITION BY m.arrival, m.fingerprint ORDER BY m.rejection_timestamp, m.run_id) AS ordinal
  FROM marked AS m
)
{% if pipeline.source_deletes == 'keep' %},
-- Published copies that the source no longer has stay. Of several equal ones, those beyond the source's count.
source_copies AS (
  SELECT {{ x.key('s') }}, s.arrival, COUNT(*) AS copies {{- x.content('s') }}
  FROM (
    SELECT {{ x.key('t') }}, {{ x.arrival('t') }} AS arrival {{- x.own_content('t', 't.fingerprint') }}
    FROM {{ stage }} AS t
  ) AS s
  GROUP BY {{ x.key('s') }}, s.arrival {{- x.content('s') }}
),
published_events AS (
  SELECT {{ x.columns('v') }}, {{ x.arrival('v') }} AS arrival {{- x.own_content('v', x.fingerprint('v')) }}
  FROM {{ events }} AS v
  WHERE v.partition_date = @day
),
published_copies AS (
  SELECT {{ x.key('e') }}, e.arrival, COUNT(*) AS copies {{- x.content('e') }}
  FROM published_events AS e
  GROUP BY {{ x.key('e') }}, e.arrival {{- x.content('e') }}
),
rejected_before AS (
  SELECT
    {{ x.columns('v') }}, {{ x.arrival('v') }} AS arrival,
    v.row_num, v.rejection_reason, v.rejection_timestamp, v.is_exact_copy, v.run_id
    {{- x.own_content('v', x.fingerprint('v')) }}
  FROM {{ rejected }} AS v
  WHERE v.partition_date = @day
),
ranked_before AS (
  SELECT
    {{ x.columns('r') }}, r.arrival, r.row_num, r.rejection_reason, r.rejection_timestamp, r.is_exact_copy, r.run_id
    {{- x.content('r') }},
    ROW_NUMBER() OVER (
      PARTITION BY {{ x.key('r') }}, r.arrival {{- x.content('r') }} ORDER BY r.rejection_timestamp, r.run_id
    ) AS ordinal
  FROM rejected_before AS r
)
{% endif %}
SELECT
  {{ x.published_select('n') }},
  n.row_num,
  n.rejection_reason,
  COALESCE(b.rejection_timestamp, @now) AS rejection_timestamp,
  n.is_exact_copy,
  COALESCE(b.run_id, @run_id) AS run_id
FROM now AS n
LEFT JOIN before AS b
  ON n.fingerprint = b.fingerprint AND n.ordinal = b.ordinal
  AND {{ x.same_arrival(x.arrival('n'), 'b.arrival') }}
{% if pipeline.source_deletes == 'keep' %}
UNION ALL
SELECT {{ x.published_select('r') }}, r.row_num, r.rejection_reason, r.rejection_timestamp, r.is_exact_copy, r.run_id
FROM ranked_before AS r
LEFT JOIN source_copies AS s ON {{ x.same_copy('r', 's') }}
LEFT JOIN published_copies AS p ON {{ x.same_copy('r', 'p') }}
WHERE r.ordinal + COALESCE(p.copies, 0) > COALESCE(s.copies, 0)
UNION ALL
-- A published winner that the source no longer has, beaten by a copy that it does have.
SELECT {{ x.published_select('e') }}, CAST(NULL AS INT64), 'Duplicate event', @now, CAST(NULL AS BOOL), @run_id
FROM published_events AS e
JOIN {{ stage }} AS w ON w.row_num = 1 AND {{ x.has_id('e') }} AND {{ x.same_key('e', 'w') }}
LEFT JOIN source_copies AS s ON {{ x.same_copy('e', 's') }}
WHERE s.copies IS NULL
{% endif %}
