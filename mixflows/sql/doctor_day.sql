-- One row: of a capped sample of the source's days, how many rows have an event time on another day of the project.
-- Which rows are sampled does not matter. Reads the event time of those days only; rows without one are judged by `stage`.
SELECT
  COUNT(*) AS sampled_rows,
  COALESCE(SUM(CASE WHEN {{ x.has_time('s') }} AND NOT s.mf__in_day THEN 1 ELSE 0 END), 0) AS other_day_rows
FROM (
  SELECT s.{{ quote(columns.time.name) }}, {{ x.is_in_its_day('s', x.day('s')) }} AS mf__in_day
  FROM {{ source }} AS s
  WHERE {{ x.in_days('s') }}
  LIMIT 10000
) AS s
