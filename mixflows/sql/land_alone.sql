-- Changes nothing of a landing in the log, and so makes its transaction one that no other landing's can overlap: of two that
-- change rows of one table, BigQuery cancels one, which is run again and sees the other's row.
UPDATE {{ landings }} AS l SET project_timezone = l.project_timezone
WHERE l.content_hash = @content_hash AND l.landed_at = @landed_at
