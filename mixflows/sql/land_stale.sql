-- One row per day and unit of landed rows that were dated in another time zone; a NULL day for those that belonged to none,
-- and for a landing without rows.
SELECT DISTINCT d.partition_date AS day, l.wall_clock_unit AS unit
FROM {{ landings }} AS l
LEFT JOIN UNNEST(l.rows_per_day) AS d
WHERE l.project_timezone IS DISTINCT FROM {{ zone }}
ORDER BY day
