-- Gives landed rows, whose times count on the project's wall clock, the instants that these are in another time zone.
UPDATE {{ target }} AS t SET {{ time }} = TIMESTAMP_MICROS({{ instant_us }})
WHERE {{ any_day }} AND EXISTS (
  SELECT 1 FROM {{ landings }} AS l
  WHERE l.project_timezone IS DISTINCT FROM {{ zone }} AND l.wall_clock_unit = {{ unit }} AND {{ of_landing }}
)
