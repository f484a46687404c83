-- One row per day that the published tables have rows of: how many events and keys, and how many rejected copies.
-- Rows without insert id are a key each. Keys are counted by their hash first; only keys that share one are counted exactly.
WITH hashed AS (
  SELECT e.partition_date AS day, {{ x.key_hash('e', 'e.partition_date') }} AS mf__key, COUNT(*) AS copies
  FROM {{ events }} AS e
  WHERE {{ x.published_in_days('e') }}
  GROUP BY e.partition_date, mf__key
),
suspected AS (
  SELECT h.mf__key FROM hashed AS h WHERE h.copies > 1
),
exact AS (
  SELECT e.partition_date AS day, CASE WHEN {{ x.has_id('e') }} THEN COUNT(*) - 1 ELSE 0 END AS surplus
  FROM {{ events }} AS e
  WHERE {{ x.published_in_days('e') }}
    AND {{ x.key_hash('e', 'e.partition_date') }} IN (SELECT s.mf__key FROM suspected AS s)
  GROUP BY e.partition_date, {{ x.key('e') }}, {{ x.has_id('e') }}
),
counts AS (
  SELECT h.day, SUM(h.copies) AS event_rows, 0 AS surplus, 0 AS rejected_rows FROM hashed AS h GROUP BY h.day
  UNION ALL
  SELECT x.day, 0, SUM(x.surplus), 0 FROM exact AS x GROUP BY x.day
  UNION ALL
  SELECT r.partition_date, 0, 0, COUNT(*)
  FROM {{ rejected }} AS r
  WHERE {{ x.published_in_days('r') }}
  GROUP BY r.partition_date
)
SELECT
  c.day, SUM(c.event_rows) AS event_rows, SUM(c.event_rows) - SUM(c.surplus) AS event_keys, SUM(c.rejected_rows) AS rejected_rows
FROM counts AS c
GROUP BY c.day
