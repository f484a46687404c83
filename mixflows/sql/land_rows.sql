-- Adds the staged rows of a file, if its landing is in the log. Grain: one row per staged row.
INSERT INTO {{ target }} ({{ landed_columns }})
SELECT {{ landed_columns }}
FROM {{ staged }} AS n
WHERE EXISTS (SELECT 1 FROM {{ landings }} AS l WHERE l.content_hash = @content_hash AND l.landed_at = @landed_at)
