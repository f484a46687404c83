-- Gives landed rows that were dated in another time zone their days in the project's.
UPDATE {{ target }} AS t SET {{ dated }}
WHERE {{ any_day }} AND EXISTS (
  SELECT 1 FROM {{ landings }} AS l WHERE l.project_timezone IS DISTINCT FROM {{ zone }} AND {{ of_landing }}
)
