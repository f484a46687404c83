-- One row per copy of at most five keys that were delivered more than once, and at most five invalid copies: what a
-- person looks at first. Inputs: the day's copies. Keys with copies of different content come first; ties by fingerprint.
WITH chosen AS (
  SELECT {{ x.key('c') }}, ROW_NUMBER() OVER (ORDER BY c.is_exact_copy, c.fingerprint) AS place
  FROM {{ copies }} AS c
  WHERE c.row_num = 2
),
invalid AS (
  SELECT
    {{ x.columns('c') }}, c.row_num, c.rejection_reason, c.is_exact_copy,
    ROW_NUMBER() OVER (ORDER BY c.rejection_reason, c.fingerprint) AS place
  FROM {{ copies }} AS c
  WHERE c.row_num IS NULL
)
SELECT {{ x.columns('c') }}, c.row_num, c.rejection_reason, c.is_exact_copy, k.place
FROM {{ copies }} AS c
JOIN chosen AS k ON {{ x.same_key('c', 'k') }}
WHERE c.is_contested AND c.row_num <= 3 AND k.place <= 5
UNION ALL
SELECT {{ x.columns('i') }}, i.row_num, i.rejection_reason, i.is_exact_copy, i.place + 5
FROM invalid AS i
WHERE i.place <= 5
ORDER BY place, row_num
