-- One row: what the published tables hold for the day. Rows without insert id are a key each.
SELECT
  (SELECT COUNT(*) FROM {{ events }} AS e WHERE e.partition_date = @day) AS event_rows,
  (
    SELECT COALESCE(SUM(k.different), 0)
    FROM (
      SELECT CASE WHEN {{ x.has_id('e') }} THEN 1 ELSE COUNT(*) END AS different
      FROM {{ events }} AS e
      WHERE e.partition_date = @day
      GROUP BY {{ x.key('e') }}, {{ x.has_id('e') }}
    ) AS k
  ) AS event_keys,
  (SELECT COUNT(*) FROM {{ rejected }} AS r WHERE r.partition_date = @day) AS rejected_rows
