-- Adds a landing to the log, unless the content is known. Grain: one row per landing.
INSERT INTO {{ landings }} ({{ logged_columns }})
SELECT {{ logged_values }}
FROM (SELECT @content_hash AS content_hash) AS n
WHERE @again OR NOT EXISTS (SELECT 1 FROM {{ landings }} AS l WHERE l.content_hash = n.content_hash)
