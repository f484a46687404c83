-- One row: what publishing would change in the published day (see model.Difference); all zero when it equals the stage.
-- Inputs: the staged day, its copies, and the published day, on their narrow columns. Rejected rows are few, and compared
-- by content; of the events, only contested ones are, and only when two copies of a key arrived at the same instant.
WITH kept AS (
  SELECT {{ x.key('s') }}, {{ x.arrival('s') }} AS arrival, s.fingerprint, TRUE AS in_stage
    {{- x.own_key_columns('s', 's.fingerprint') }}
  FROM {{ stage }} AS s
  WHERE s.row_num = 1
),
published AS (
  SELECT {{ x.key('e') }}, {{ x.arrival('e') }} AS arrival, TRUE AS in_events,
    {% if 'compare_content' in flags %}
    CASE WHEN c.is_contested THEN {{ x.fingerprint('e') }} END AS fingerprint
    {% else %}
    CAST(NULL AS STRING) AS fingerprint
    {% endif %}
    {{- x.own_key_columns('e', x.fingerprint('e')) }}
  FROM {{ events }} AS e
  {% if 'compare_content' in flags %}
  LEFT JOIN (SELECT DISTINCT {{ x.key('c') }}, c.is_contested FROM {{ copies }} AS c WHERE c.is_contested) AS c
    ON {{ x.same_key('e', 'c') }}
  {% endif %}
  WHERE e.partition_date = @day
),
paired AS (
  SELECT
    {{ x.key_as('k', 'staged') }},
    {{ x.key_as('p', 'published') }},
    k.arrival AS staged_arrival,
    p.arrival AS published_arrival,
    COALESCE(k.in_stage, FALSE) AS in_stage,
    COALESCE(p.in_events, FALSE) AS in_events,
    COALESCE(
      k.in_stage AND p.in_events AND k.arrival IS NOT DISTINCT FROM p.arrival
      AND COALESCE(k.fingerprint = p.fingerprint, TRUE),
      FALSE
    ) AS same_copy
    {{- x.content('k', 'p') }}
  FROM kept AS k
  FULL OUTER JOIN published AS p ON {{ x.same_own_key('k', 'p') }}
),
rejected_before AS (
  SELECT {{ x.columns('r') }}, r.row_num, r.rejection_reason, r.is_exact_copy, {{ x.fingerprint('r') }} AS fingerprint
  FROM {{ rejected }} AS r
  WHERE r.partition_date = @day
),
rejected_now AS (
  SELECT {{ x.columns('c') }}, c.row_num, c.rejection_reason, c.is_exact_copy, c.fingerprint
  FROM {{ copies }} AS c
  WHERE c.row_num IS DISTINCT FROM 1
),
-- Copies that changed sides or are on one side only, by key and arrival; a copy that only moved cancels out.
copies_of_both AS (
  SELECT {{ x.key_from('p', 'staged') }}, p.staged_arrival AS arrival, 1 AS source_copies, 0 AS published_copies
    {{- x.content('p') }}
  FROM paired AS p WHERE p.in_stage AND NOT p.same_copy
  UNION ALL
  SELECT {{ x.key_from('p', 'published') }}, p.published_arrival, 0, 1 {{- x.content('p') }}
  FROM paired AS p WHERE p.in_events AND NOT p.same_copy
  UNION ALL
  SELECT {{ x.key('c') }}, {{ x.arrival('c') }}, 1, 0 {{- x.own_content('c', 'c.fingerprint') }} FROM rejected_now AS c
  UNION ALL
  SELECT {{ x.key('r') }}, {{ x.arrival('r') }}, 0, 1 {{- x.own_content('r', 'r.fingerprint') }} FROM rejected_before AS r
  UNION ALL
  SELECT {{ x.key('r') }}, p.staged_arrival, 1, 1 {{- x.content('p') }}
  FROM paired AS p
  JOIN (SELECT DISTINCT {{ x.key('b') }} FROM rejected_before AS b) AS r ON {{ x.same_key_as('r', 'p', 'staged') }}
  WHERE p.same_copy
),
balance AS (
  SELECT SUM(b.source_copies) AS source_copies, SUM(b.published_copies) AS published_copies
  FROM copies_of_both AS b
  GROUP BY {{ x.key('b') }}, b.arrival {{- x.content('b') }}
),
rejected_sides AS (
  SELECT {{ x.arrival('n') }} AS arrival, n.fingerprint, n.row_num, n.rejection_reason, n.is_exact_copy, 1 AS side
  FROM rejected_now AS n
  UNION ALL
  SELECT {{ x.arrival('b') }}, b.fingerprint, b.row_num, b.rejection_reason, b.is_exact_copy, -1
  FROM rejected_before AS b
),
rejected_difference AS (
  SELECT SUM(r.side) AS rows_more
  FROM rejected_sides AS r
  GROUP BY r.arrival, r.fingerprint, r.row_num, r.rejection_reason, r.is_exact_copy
)
SELECT
  (SELECT COUNT(*) FROM paired AS p WHERE p.in_stage AND NOT p.in_events) AS inserted_events,
  (SELECT COUNT(*) FROM paired AS p WHERE p.in_stage AND p.in_events AND NOT p.same_copy) AS updated_events,
  (SELECT COUNT(*) FROM paired AS p WHERE p.in_events AND NOT p.in_stage) AS orphan_events,
  (SELECT COALESCE(SUM(CASE WHEN r.rows_more > 0 THEN r.rows_more ELSE 0 END), 0) FROM rejected_difference AS r)
    AS rejected_added,
  (SELECT COALESCE(SUM(CASE WHEN r.rows_more < 0 THEN -r.rows_more ELSE 0 END), 0) FROM rejected_difference AS r)
    AS rejected_dropped,
  (
    SELECT COALESCE(SUM(CASE WHEN b.published_copies > b.source_copies THEN b.published_copies - b.source_copies ELSE 0 END), 0)
    FROM balance AS b
  ) AS vanished_rows,
  (
    SELECT COALESCE(SUM(b.published_copies - b.source_copies), 0)
    FROM balance AS b
    WHERE b.published_copies > b.source_copies AND b.source_copies > 0
  ) AS surplus_rows
