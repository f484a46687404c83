-- One row per copy of at most five keys a day that were delivered more than once, and at most five invalid copies: what a
-- person looks at first. Inputs: the days' copies. Keys with copies of different content come first; ties by fingerprint.
-- Where a whole day is invalid, or repeated, no worker may get all of it: the first of every part of a day are chosen first.
{% set part = "SUBSTR(c.mf__fingerprint, 1, 2), MOD(COALESCE(c.mf__arrival_us, 0), 64)" %}
WITH first_repeated AS (
  SELECT
    c.mf__day, {{ x.key_hash('c', 'c.mf__day') }} AS mf__key, c.mf__exact, c.mf__fingerprint,
    ROW_NUMBER() OVER (PARTITION BY c.mf__day, {{ part }} ORDER BY c.mf__exact, c.mf__fingerprint) AS mf__nth
  FROM {{ copies }} AS c
  WHERE c.mf__row_num = 2 AND {{ x.batch_in_days('c') }}
),
chosen AS (
  SELECT f.mf__key, ROW_NUMBER() OVER (PARTITION BY f.mf__day ORDER BY f.mf__exact, f.mf__fingerprint) AS mf__place
  FROM first_repeated AS f
  WHERE f.mf__nth <= 5
),
first_invalid AS (
  SELECT
    c.mf__day, c.mf__reason, c.mf__fingerprint, c.mf__stored, c.mf__gone, c.mf__nth,
    ROW_NUMBER() OVER (PARTITION BY c.mf__day, {{ part }} ORDER BY c.mf__reason, c.mf__fingerprint) AS mf__number
  FROM {{ copies }} AS c
  WHERE c.mf__row_num IS NULL AND c.mf__nth <= 5 AND {{ x.batch_in_days('c') }}
),
invalid AS (
  SELECT f.*, ROW_NUMBER() OVER (PARTITION BY f.mf__day ORDER BY f.mf__reason, f.mf__fingerprint) AS mf__place
  FROM first_invalid AS f
  WHERE f.mf__number <= 5
)
SELECT
  {{ x.published_select('c', 'c.mf__day') }},
  c.mf__row_num AS row_num, c.mf__reason AS rejection_reason, c.mf__exact AS is_exact_copy, k.mf__place AS place
FROM {{ copies }} AS c
JOIN chosen AS k ON k.mf__key = {{ x.key_hash('c', 'c.mf__day') }}
WHERE c.mf__contested AND c.mf__row_num <= 3 AND k.mf__place <= 5
UNION ALL
SELECT
  {{ x.published_select('c', 'c.mf__day') }}, c.mf__row_num, c.mf__reason, c.mf__exact, i.mf__place + 5
FROM {{ copies }} AS c
JOIN invalid AS i
  ON i.mf__fingerprint = c.mf__fingerprint AND i.mf__stored = c.mf__stored AND i.mf__gone = c.mf__gone AND i.mf__nth = c.mf__nth
WHERE i.mf__place <= 5
