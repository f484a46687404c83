-- Counts the rows of landings that were dated in another time zone by their days, where the source still has all of them.
UPDATE {{ landings }} AS l SET rows_per_day = c.rows_per_day
FROM (
  SELECT d.landing, SUM(d.n) AS n, ARRAY_AGG(STRUCT(d.day AS partition_date, d.n AS source_rows) ORDER BY d.day IS NULL, d.day) AS rows_per_day
  FROM (
    SELECT {{ landing_of_row }} AS landing, {{ day }} AS day, COUNT(*) AS n FROM {{ source }} AS t WHERE EXISTS (
      SELECT 1 FROM {{ landings }} AS l WHERE l.project_timezone IS DISTINCT FROM {{ zone }} AND {{ of_landing }}
    )
    GROUP BY landing, day
  ) AS d
  GROUP BY d.landing
) AS c
WHERE l.project_timezone IS DISTINCT FROM {{ zone }} AND c.landing = {{ landing_of_log }} AND c.n = l.source_rows
