-- One row per slot that the API delivered, in order of days: when it was last landed.
SELECT file_name AS slot, first_day, last_day, MAX(landed_at) AS landed_at
FROM {{ landings }}
WHERE feed = 'mixpanel' AND first_day IS NOT NULL AND last_day IS NOT NULL
GROUP BY file_name, first_day, last_day
ORDER BY first_day, last_day, slot
