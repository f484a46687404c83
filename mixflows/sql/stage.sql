-- One row per copy of the batch's days: the published columns, the day, whether the event time lies in it, row_num (1 = kept,
-- NULL = invalid), rejection_reason and is_exact_copy (same content as the winner).
-- Inputs: the source days, and their copies, ranked already.
CREATE OR REPLACE {{ stage_kind }} {{ stage }} {{ stage_partitions }} {{ stage_options }} AS
SELECT
  {{ x.columns('s') }},
  {{ x.day('s') }} AS mf__day,
  {{ x.is_in_its_day('s', x.day('s')) }} AS mf__in_day,
  FALSE AS mf__gone,
  1 AS row_num,
  CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy
FROM {{ source }} AS s{{ as_of }}
-- An outer join without partner: DuckDB runs NOT EXISTS on an expression five times as long.
LEFT JOIN {{ copies }} AS other ON other.mf__keyed AND other.mf__id = {{ x.id_hash('s', x.day('s')) }}
WHERE {{ x.in_days('s') }} AND {{ x.is_keyed('s') }} AND other.mf__id IS NULL
UNION ALL
SELECT
  {{ x.columns('c') }}, c.mf__day, c.mf__in_day, c.mf__gone,
  c.mf__row_num, c.mf__reason, c.mf__exact
FROM {{ copies }} AS c
