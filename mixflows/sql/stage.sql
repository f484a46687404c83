-- One row per delivered copy of the day: the source's columns, row_num (1 = kept, NULL = invalid), rejection_reason,
-- is_exact_copy (same content as the winner) and fingerprint (only where copies had to be told apart).
-- Inputs: the source day, and its copies, ranked already.
CREATE OR REPLACE {{ stage_kind }} {{ stage }} {{ stage_options }} AS
SELECT
  {{ x.columns('s') }},
  1 AS row_num,
  CAST(NULL AS STRING) AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy,
  CAST(NULL AS STRING) AS fingerprint
FROM {{ source }} AS s
WHERE {{ x.in_day('s') }} AND {{ x.is_valid('s') }} AND {{ x.has_id('s') }}
  AND NOT EXISTS (SELECT 1 FROM {{ copies }} AS c WHERE c.is_contested AND {{ x.same_key('s', 'c') }})
UNION ALL
SELECT {{ x.columns('c') }}, c.row_num, c.rejection_reason, c.is_exact_copy, c.fingerprint
FROM {{ copies }} AS c
