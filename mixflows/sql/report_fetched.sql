-- One row per fetch of whole days that brought something, in order of landing.
-- Inputs: the landing log.
SELECT first_day, last_day, landed_at, restated_rows, new_rows, back_rows, gone_rows
FROM {{ landings }}
WHERE feed = 'mixpanel' AND first_day IS NOT NULL AND last_day IS NOT NULL
ORDER BY landed_at, first_day, last_day, file_name
