-- One row per day of the source (and one with a NULL day for rows that belong to none): rows, and what tells a change.
-- Reads the day and the last landing only, never the events.
SELECT {{ x.day_of('s') }} AS day, COUNT(*) AS source_rows, {{ x.last_landed('s') }} AS last_landed
FROM {{ source }} AS s
GROUP BY day
ORDER BY day
