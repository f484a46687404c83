-- One row per day that the published tables have rows of: how many events and how many rejected copies, read from the days alone;
-- with the flag `keys` also how many events its keys have too many. Rows without insert id are a key each.
-- Keys are counted by their hash first; only keys that share one are counted exactly.
WITH counts AS (
  SELECT e.partition_date AS day, COUNT(*) AS event_rows, 0 AS twice_keys, 0 AS rejected_rows
  FROM {{ events }} AS e
  WHERE {{ x.published_in_days('e') }}
  GROUP BY e.partition_date
  {% if 'keys' in flags %}
  UNION ALL
  SELECT k.partition_date, 0, COUNT(*) - 1, 0
  FROM {{ events }} AS k
  WHERE {{ x.published_in_days('k') }} AND {{ x.has_id('k') }} AND {{ x.key_hash('k', 'k.partition_date') }} IN (
    {% include 'shared_keys' %}
  )
  GROUP BY k.partition_date, {{ x.key('k') }}
  {% endif %}
  UNION ALL
  SELECT r.partition_date, 0, 0, COUNT(*)
  FROM {{ rejected }} AS r
  WHERE {{ x.published_in_days('r') }}
  GROUP BY r.partition_date
)
SELECT
  c.day, SUM(c.event_rows) AS event_rows, SUM(c.twice_keys) AS twice_keys, SUM(c.rejected_rows) AS rejected_rows
FROM counts AS c
GROUP BY c.day
