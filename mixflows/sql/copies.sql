-- One row per copy of the day that is not plainly kept: every copy of a key delivered more than once, every invalid row
-- and, where they are kept, every row without insert id. Wide, and small: about one row in 450.
-- Input: the source day; the keys with several copies are found on the key columns alone, so that wide rows are neither
-- sorted nor shuffled.
-- Ties: arrival (a NULL arrival last), then fingerprint; rows equal in both are equal in content, and any may win.
CREATE OR REPLACE TABLE {{ copies }} {{ stage_options }} AS
WITH contested_keys AS (
  SELECT {{ x.key('s') }}, COUNT(*) AS copies
  FROM {{ source }} AS s
  WHERE {{ x.in_day('s') }} AND {{ x.is_valid('s') }} AND {{ x.has_id('s') }}
  GROUP BY {{ x.key('s') }}
  HAVING COUNT(*) > 1
),
-- The one scan of wide rows: the day's rows that need a look, told from the plain ones by their key.
wanted AS (
  SELECT
    {{ x.columns('s') }},
    {{ x.fingerprint('s') }} AS fingerprint,
    k.copies IS NOT NULL AND {{ x.is_valid('s') }} AND {{ x.has_id('s') }} AS is_contested
  FROM {{ source }} AS s
  LEFT JOIN contested_keys AS k ON {{ x.same_key('s', 'k') }}
  WHERE {{ x.in_day('s') }} AND (k.copies IS NOT NULL OR NOT ({{ x.is_valid('s') }} AND {{ x.has_id('s') }}))
),
ranked AS (
  SELECT
    {{ x.columns('c') }},
    c.fingerprint,
    ROW_NUMBER() OVER (
      PARTITION BY {{ x.key('c') }}
      ORDER BY {{ x.arrival('c') }} IS NULL, {{ x.arrival('c') }}{{ ' DESC' if pipeline.keep == 'latest' }}, c.fingerprint
    ) AS row_num,
    FIRST_VALUE(c.fingerprint) OVER (
      PARTITION BY {{ x.key('c') }}
      ORDER BY {{ x.arrival('c') }} IS NULL, {{ x.arrival('c') }}{{ ' DESC' if pipeline.keep == 'latest' }}, c.fingerprint
    ) AS winner_fingerprint
  FROM wanted AS c
  WHERE c.is_contested
)
SELECT
  {{ x.columns('r') }},
  r.row_num,
  CASE WHEN r.row_num > 1 THEN 'Duplicate event' END AS rejection_reason,
  r.fingerprint = r.winner_fingerprint AS is_exact_copy,
  r.fingerprint,
  TRUE AS is_contested
FROM ranked AS r
UNION ALL
SELECT
  {{ x.columns('w') }},
  {# Under the policy `keep`, a row without insert id is its own key: valid, and never ranked. #}
  CASE WHEN {{ x.is_valid('w') }} THEN 1 END AS row_num,
  {{ x.invalid_reason('w') }} AS rejection_reason,
  CAST(NULL AS BOOL) AS is_exact_copy,
  w.fingerprint,
  w.is_contested
FROM wanted AS w
WHERE NOT w.is_contested
