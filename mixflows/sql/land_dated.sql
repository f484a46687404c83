-- Ends the dating of landed rows in another time zone.
UPDATE {{ landings }} AS l SET project_timezone = {{ zone }} WHERE l.project_timezone IS DISTINCT FROM {{ zone }}
