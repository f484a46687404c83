-- One row: of a capped sample of one source day, how many rows have an event time on another day of the project.
-- Which rows are sampled does not matter. Reads the event time of that day only; rows without one are judged by `stage`.
SELECT
  COUNT(*) AS sampled_rows,
  COALESCE(SUM(CASE WHEN {{ x.has_time('s') }} AND NOT {{ x.in_bounds('s') }} THEN 1 ELSE 0 END), 0) AS other_day_rows
FROM (
  SELECT s.{{ quote(shape.time) }}
  FROM {{ source }} AS s
  WHERE {{ x.in_day('s') }}
  LIMIT 10000
) AS s
